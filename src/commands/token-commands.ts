import type { Command } from 'commander'
import type { CommandIo } from './io.ts'
import type { TokenOptions } from './token-options.ts'

/** How the command line runs a command: see main.ts. */
export interface CommandParts {
  exiting<Arguments extends unknown[]>(
    run: (...args: Arguments) => Promise<number> | number,
  ): (...args: Arguments) => Promise<void>
  configOption: readonly [flags: string, description: string]
  io: CommandIo
}

/** Adds `token` and `robot`. What they do is loaded when they are called. */
export function addTokenCommands(program: Command, { exiting, configOption, io }: CommandParts): void {
  /** What a new access token may do, and until when. */
  const tokenOptions = (command: Command) =>
    command
      .option(...configOption)
      .option('--name <name>', 'what to call the token')
      .option('--repository <name...>', 'repositories that it may be used for; `*` for all')
      .option('--images <pattern...>', 'images in them: team/app, team/*, team/**; `!` takes out (default: all)')
      .option('--actions <list...>', 'pull, push, delete')
      .option('--expires <when>', '90d, 12h, 2027-12-31 or never', '90d')
      .option('--json', 'for scripts')

  const token = program.command('token').description('access tokens: passwords for programs, limited and revocable')
  tokenOptions(token.command('create <user>').description('make one and print its secret, once')).action(
    exiting(async (user: string, options: TokenOptions) => (await import('./token.ts')).createToken(user, options, io)),
  )
  token
    .command('list')
    .description('list the tokens of users and robots')
    .option(...configOption)
    .option('--user <name>', 'only those of this user or robot')
    .option('--all', 'also those that expired or were revoked')
    .option('--json', 'for scripts')
    .action(
      exiting(async (options: { config?: string; user?: string; all?: boolean; json?: boolean }) =>
        (await import('./token.ts')).listTokens(options, io),
      ),
    )
  token
    .command('revoke <id>')
    .description('make a token worthless; `token list` tells its number')
    .option(...configOption)
    .action(
      exiting(async (id: string, options: { config?: string }) =>
        (await import('./token.ts')).revokeToken(id, options, io),
      ),
    )

  const robot = program.command('robot').description('accounts for programs, which log in with access tokens')
  tokenOptions(
    robot
      .command('create <name>')
      .description('make one with its first token, and print the secret, once')
      .option('--description <text>', 'a line for people'),
  ).action(
    exiting(async (name: string, options: TokenOptions & { description?: string }) =>
      (await import('./robot.ts')).createRobot(name, options, io),
    ),
  )
  tokenOptions(robot.command('token <name>').description('make a further token')).action(
    exiting(async (name: string, options: TokenOptions) =>
      (await import('./robot.ts')).createRobotToken(name, options, io),
    ),
  )
  robot
    .command('list')
    .description('list the robots')
    .option(...configOption)
    .option('--json', 'for scripts')
    .action(
      exiting(async (options: { config?: string; json?: boolean }) =>
        (await import('./robot.ts')).listRobots(options, io),
      ),
    )
  robot
    .command('remove <name>')
    .description('remove a robot and its tokens')
    .option(...configOption)
    .action(
      exiting(async (name: string, options: { config?: string }) =>
        (await import('./robot.ts')).removeRobot(name, options, io),
      ),
    )
  for (const [word, disabled, what] of [
    ['disable', true, 'let none of its tokens open anything'],
    ['enable', false, 'undo disable'],
  ] as const)
    robot
      .command(`${word} <name>`)
      .description(what)
      .option(...configOption)
      .action(
        exiting(async (name: string, options: { config?: string }) =>
          (await import('./robot.ts')).setRobotDisabled(name, disabled, options, io),
        ),
      )
}
