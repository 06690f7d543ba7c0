import type { Command } from 'commander'
import { configOption, exiting } from './exiting.ts'
import type { TermOptions } from './grant-terms.ts'
import type { CommandIo } from './io.ts'
import type { WantedUser } from './local-user.ts'

/** The commands about users and what they may do. */
export function addAccessCommands(program: Command, io: CommandIo): void {
  addUsers(program, io)
  addGrants(program, io)
  addExplanations(program, io)
}

function addUsers(program: Command, io: CommandIo): void {
  const user = program.command('user').description('users: of the database, or of an htpasswd file')
  const htpasswdOption = [
    '--htpasswd <file>',
    'an htpasswd file instead; without it, what the configuration says',
  ] as const
  user
    .command('add <name>')
    .description('add a user or change the password; prints a random one unless --password-stdin, and what they may do')
    .option(...configOption)
    .option(...htpasswdOption)
    .option('--password-stdin', 'read the password from standard input')
    .option('--admin', 'they may do everything, everywhere')
    .option('--no-admin', 'they are no longer an admin')
    .option('--role <role>', 'maintainer, developer, reader, one of the configuration, or none (default: developer)')
    .option('--repository <name>', 'where they have the role (default: all repositories)')
    .action(
      exiting(async (name: string, options: Omit<WantedUser, 'name'> & { htpasswd?: string; config?: string }) =>
        options.htpasswd !== undefined
          ? (await import('./user.ts')).addUser({ name, ...options }, io)
          : (await import('./local-user.ts')).addLocalUser({ name, ...options }, io),
      ),
    )
  user
    .command('remove <name>')
    .description('remove a user, with what was granted to them by name')
    .option(...configOption)
    .option(...htpasswdOption)
    .action(
      exiting(async (name: string, options: { htpasswd?: string; config?: string }) =>
        options.htpasswd !== undefined
          ? (await import('./user.ts')).removeUser({ name, ...options }, io)
          : (await import('./local-user.ts')).removeLocalUser({ name, ...options }, io),
      ),
    )
  user
    .command('list')
    .description('list the users')
    .option(...configOption)
    .option(...htpasswdOption)
    .action(
      exiting(async (options: { htpasswd?: string; config?: string }) =>
        options.htpasswd !== undefined
          ? (await import('./user.ts')).listUsers(options, io)
          : (await import('./local-user.ts')).listLocalUsers(options, io),
      ),
    )
}

/** Whom a grant is for, and what it says. */
function withTerms(command: Command): Command {
  return command
    .option(...configOption)
    .option('--user <name>', 'a user, wherever they are kept')
    .option('--group <name>', 'everyone in a group of a directory')
    .option('--robot <name>', 'a robot account')
    .option('--authenticated', 'every user who has logged in')
    .option('--anonymous', 'everyone, without a login')
    .option('--role <role>', 'maintainer, developer, reader, or one of the configuration')
    .option('--repository <name>', 'the repository, or * for all')
}

function addGrants(program: Command, io: CommandIo): void {
  const grant = program
    .command('grant')
    .description('who has which role where; a running server follows within 3 seconds')
  withTerms(grant.command('add'))
    .description('give somebody a role')
    .option('--images <pattern...>', 'only these images of the repository: team-*/**')
    .action(
      exiting(async (options: TermOptions & { config?: string }) => (await import('./grant.ts')).addGrant(options, io)),
    )
  withTerms(grant.command('remove [id...]'))
    .description('take roles back: by number, or all that fit the options')
    .action(
      exiting(async (ids: string[], options: TermOptions & { config?: string }) =>
        (await import('./grant.ts')).removeGrant(ids, options, io),
      ),
    )
  withTerms(grant.command('list'))
    .description('list grants, those of the configuration file too')
    .option('--json', 'for scripts')
    .action(
      exiting(async (options: TermOptions & { config?: string; json?: boolean }) =>
        (await import('./grant.ts')).listGrants(options, io),
      ),
    )
}

function addExplanations(program: Command, io: CommandIo): void {
  program
    .command('role')
    .description('roles: names for sets of actions')
    .command('list')
    .description('list the roles and what they allow')
    .option(...configOption)
    .action(exiting(async (options: { config?: string }) => (await import('./grant.ts')).listRoles(options, io)))

  program
    .command('access')
    .description('what users may do')
    .command('explain <user> <image> <action>')
    .description('say whether a user (or `anonymous`) may pull, push, delete ... an image, and which grant decides')
    .option(...configOption)
    .option('--groups <names>', 'groups that a directory says the user is in, with commas between them')
    .option('--robot', 'the name is that of a robot')
    .action(
      exiting(
        async (
          name: string,
          image: string,
          action: string,
          options: { config?: string; groups?: string; robot?: boolean },
        ) => (await import('./access-explain.ts')).explainAccess({ user: name, image, action, ...options }, io),
      ),
    )
}
