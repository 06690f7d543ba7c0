import { boolean, choice, headerName, integer, network, secret, text } from '../kinds.ts'
import { imagePattern, name, nameOrAll, passwordHash, userName } from '../name-kinds.ts'
import { each, list, optional, required, section, setting } from '../table.ts'

/** The actions that a role may be made of; `access/decide.ts` says what each is. */
const actions = choice(['pull', 'push', 'delete', 'manage-members', 'manage-policies', 'manage-repository'])

/** What every grant says, whoever it is for. */
const terms = {
  role: required(name, '`maintainer`, `developer`, `reader`, or one of `roles`.'),
  repository: required(nameOrAll, 'The repository, or `*` for all.'),
  images: list(
    each(imagePattern),
    [],
    'Only these images of it: `team-*/**`; `!` before a pattern takes images out. Default: all.',
  ),
}

/** Roles that a directory's groups have; stands in the settings of the directory. */
export const groupGrants = list(
  section('One grant to a group.', { group: required(text, 'The group, as the directory names it.'), ...terms }),
  [],
  'Which groups have which roles.',
)

/** Grants to whomever they name. */
export const grants = list(
  section('One grant. Names exactly one of `user`, `group`, `robot`, `authenticated` and `anonymous`.', {
    user: setting(userName, undefined, 'A user, wherever they are kept.'),
    group: setting(text, undefined, 'Everyone in a group, as the directory names it.'),
    robot: setting(text, undefined, 'A robot account.'),
    authenticated: setting(boolean, 'false', 'Every user who has logged in; robots not.'),
    anonymous: setting(boolean, 'false', 'Everyone, without a login. Only for roles that do nothing but pull.'),
    ...terms,
  }),
  [],
  'Who has which role where. Once there is a grant in the file (here, under `users` or of a directory), users of an htpasswd file may do only what grants say.',
)

/** Roles besides the built-in ones. */
export const roles = list(
  section('One role.', {
    name: required(name, 'Its name, as grants use it.'),
    actions: list(each(actions), [], 'What it allows. Clients that push pull, too.'),
  }),
  [],
  'Roles beside `maintainer` (everything in a repository), `developer` (pull, push) and `reader` (pull).',
)

/** Users that the file owns. */
export const users = list(
  section('One user.', {
    name: required(userName, 'What they log in with.'),
    password: setting(secret, undefined, 'The password. Either this or `passwordHash`.'),
    passwordHash: setting(
      passwordHash,
      undefined,
      'The password hashed with argon2id or bcrypt: quicker to start with.',
    ),
    admin: setting(boolean, 'false', 'May do everything, everywhere.'),
    grants: list(section('One grant to this user.', terms), [], 'Their roles.'),
  }),
  [],
  'Users that exist from the start. They are created, changed and, once taken out of the file, removed when the server starts.',
)

/** What is open to everyone. */
export const anonymous = section('What everyone may do without a login.', {
  pull: list(each(name), [], 'Repositories that anyone may pull from.'),
})

/** Who somebody is, as a reverse proxy says that has seen their certificate. */
export const proxyIdentity = optional('A reverse proxy says who its clients are, by their certificates.', {
  header: required(
    headerName,
    'The header in which it says so: `X-SSL-Client-S-DN`, `X-Forwarded-User`. It must remove what clients send by that name.',
  ),
  from: list(
    each(network),
    [],
    'Addresses and networks of the proxies that are believed. It is the peer of the connection that counts, not what is forwarded.',
  ),
  attribute: setting(
    text,
    undefined,
    'The header is a distinguished name, and this part of it is the user name: `CN`. Not set: the header is the user name.',
  ),
})

/** What new passwords must be like. */
export const passwords = section('Passwords of users that are kept here.', {
  minLength: setting(integer(1), '8', 'Shortest password that a user may be given.'),
})
