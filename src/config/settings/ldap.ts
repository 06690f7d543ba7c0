import { boolean, choice, duration, integer, path, secret, text } from '../kinds.ts'
import { ldapAttribute, ldapFilter, ldapUrl, requirement } from '../ldap-kinds.ts'
import { each, list, section, setting } from '../table.ts'
import { groupGrants } from './access.ts'

const attributes = section('What a user is called in the directory.', {
  id: setting(ldapAttribute, undefined, 'The name they log in with. Default: the one in the URL, else `uid`.'),
  name: setting(ldapAttribute, 'cn', 'Their name for people.'),
  mail: setting(ldapAttribute, 'mail', 'Their e-mail address.'),
})

const groups = section('How the groups of a user are found.', {
  base: setting(
    text,
    undefined,
    'DN that groups are below. They are searched for there, and those of `memberOf` count only when they are below it, too. Not set: `memberOf` alone.',
  ),
  scope: setting(choice(['base', 'one', 'sub']), 'sub', 'How far below it.'),
  filter: setting(
    ldapFilter,
    undefined,
    'Finds the groups of a user; `{dn}` is the DN of their entry, `{user}` their name. Default: groupOfNames, groupOfUniqueNames, Active Directory by DN, posixGroup by name.',
  ),
  nested: setting(
    boolean,
    'false',
    'Groups within groups, asked with one query by the rule that Active Directory has for it.',
  ),
  name: setting(ldapAttribute, 'cn', 'The attribute that a group is called by.'),
  memberOf: setting(ldapAttribute, 'memberOf', 'The attribute of a user that lists the DNs of their groups.'),
})

/** Directories whose users may log in. */
export const ldap = list(
  section(
    'One directory; a URL alone is short for this.',
    {
      name: setting(text, undefined, 'What it is called in the log. Default: `ldap`, then `ldap-2` ...'),
      url: list(
        each(ldapUrl),
        [],
        '`ldaps://host/base?attribute?scope?filter`. More than one: servers of the same directory, asked in this order when one does not answer; only the first needs what follows the host.',
      ),
      startTls: setting(boolean, 'false', 'Turn an `ldap:` connection into a TLS one before anything is said on it.'),
      ca: setting(path, undefined, 'PEM file of the authorities to trust there, instead of those of the system.'),
      insecure: setting(boolean, 'false', 'Accept any certificate, whoever shows it. For trying things out.'),
      bindDn: setting(
        text,
        undefined,
        'The account that searches. With `{user}` in it there is none: users bind by themselves. Not set: searches are anonymous.',
      ),
      bindPassword: setting(secret, undefined, 'Its password.'),
      userBase: setting(text, undefined, 'DN that users are below. Default: the one in the URL.'),
      userScope: setting(
        choice(['base', 'one', 'sub']),
        undefined,
        'How far below it. Default: as in the URL, else `sub`.',
      ),
      userFilter: setting(
        ldapFilter,
        undefined,
        'Entries that are users. With `{user}` in it, it also says how a name is looked up, instead of by `attributes.id`. Default: the one in the URL.',
      ),
      attributes,
      groups,
      require: list(
        each(requirement),
        ['valid-user'],
        'Who may log in, one of these sufficing: `valid-user`, `group developers`, `user alice bob`. Groups and users by name or by DN.',
      ),
      admins: list(each(requirement), [], 'Who administers this server, written in the same way.'),
      grants: groupGrants,
      offlineGrace: setting(
        duration(0),
        '1h',
        'How long after their last login users go on with the same password while the directory cannot be asked.',
      ),
      connectTimeout: setting(duration(1), '5s', 'How long a server may take to accept a connection, TLS included.'),
      timeout: setting(duration(1), '10s', 'How long it may take to answer one question.'),
      connections: setting(integer(1), '4', 'Most connections that search at a time.'),
    },
    { shortFor: 'url' },
  ),
  [],
  'Directories (LDAP, Active Directory) whose users may log in. Asked in this order, after local users and `auth.htpasswd`.',
)
