import type { Command } from 'commander'
import { exiting } from './exiting.ts'
import type { CommandIo } from './io.ts'
import type { RepoOptions } from './repo.ts'
import type { FormOptions } from './repo-form.ts'

const collect = (text: string, before: string[] = []) => [...before, text]

const examples = `
Examples:
  $ entrepot repo create team --set quota.bytes=100GB --set 'mutableTags=[latest, "*-dev"]' --set writePolicy=allow-once
  $ entrepot repo create docker-hub --type proxy --set upstream.url=https://registry-1.docker.io
  $ entrepot repo create images --type group --set 'members=[team, docker-hub]' --set writableMember=team
  $ entrepot repo update docker-hub --set upstream.username=ci --password-stdin < token
  $ entrepot repo update team --set quota.bytes=200GB --unset quota.tags
  $ entrepot repo offline team
  $ entrepot repo move team --to fast
  $ entrepot repo remove team --with-content

Keys and values are those of repositories[] in the configuration file. What that file declares is changed there.`

/** `entrepot repo ...` and `entrepot secrets ...`. */
export function addRepoCommands(program: Command, io: CommandIo): void {
  const repo = program
    .command('repo')
    .description('the repositories; running servers follow within 5 seconds')
    .addHelpText('after', examples)
  const load = () => import('./repo.ts')
  const command = (words: string, description: string) =>
    repo
      .command(words)
      .description(description)
      .option('--config <file>', 'the configuration file of the server')
      .option('--json', 'for scripts')
  const withSettings = (made: Command) =>
    made
      .option('--set <key=value>', 'a setting; may be given several times; lists as [a, b]', collect)
      .option('--from <file>', 'settings from a YAML or JSON file; `-` is standard input')
      .option('--password-stdin', 'read upstream.password from standard input')

  command('list', 'a line for each').action(
    exiting(async (options: RepoOptions) => (await load()).listRepositories(options, io)),
  )
  command('show <name>', 'its settings, without secrets, and how much is in it').action(
    exiting(async (name: string, options: RepoOptions) => (await load()).showRepository(name, options, io)),
  )
  withSettings(command('create <name>', 'make one'))
    .option('--type <type>', 'hosted, proxy or group')
    .addHelpText('after', examples)
    .action(
      exiting(async (name: string, options: RepoOptions & FormOptions) =>
        (await load()).createRepository(name, options, io),
      ),
    )
  withSettings(command('update <name>', 'change settings; what is not named stays'))
    .option('--unset <key>', 'back to the default; may be given several times', collect)
    .addHelpText('after', examples)
    .action(
      exiting(async (name: string, options: RepoOptions & FormOptions) =>
        (await load()).updateRepository(name, options, io),
      ),
    )
  command('remove <name>', 'remove one that is empty and that nothing leads to')
    .option('--with-content', 'also when it is not empty')
    .action(
      exiting(async (name: string, options: RepoOptions & { withContent?: boolean }) =>
        (await load()).removeRepository(name, options, io),
      ),
    )
  command('online <name>', 'let it answer').action(
    exiting(async (name: string, options: RepoOptions) => (await load()).switchRepository(name, true, options, io)),
  )
  command('offline <name>', 'let it answer nothing but 503; groups pass it over').action(
    exiting(async (name: string, options: RepoOptions) => (await load()).switchRepository(name, false, options, io)),
  )
  command('move <name>', 'take its content to another blob store while it is served; broken off, call it again')
    .requiredOption('--to <store>', 'the blob store, as blobStores names it')
    .action(
      exiting(async (name: string, options: RepoOptions & { to: string }) =>
        (await load()).moveRepository(name, options, io),
      ),
    )

  program
    .command('secrets')
    .description('the key that passwords for other servers are sealed with in the database')
    .command('rotate')
    .description('make a new key and seal everything with it; with secrets.key, put the new key first and run this')
    .option('--config <file>', 'the configuration file of the server')
    .option('--json', 'for scripts')
    .action(exiting(async (options: RepoOptions) => (await import('./secrets.ts')).rotateSecrets(options, io)))
}
