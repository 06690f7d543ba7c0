import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { addAccessCommands } from './commands/access-commands.ts'
import type { AuditOptions } from './commands/audit.ts'
import { configOption, exiting } from './commands/exiting.ts'
import type { CommandIo } from './commands/io.ts'
import { addRepoCommands } from './commands/repo-commands.ts'
import { addTokenCommands } from './commands/token-commands.ts'
import { settingsHelp } from './config/help.ts'
import { version } from './version.ts'

const io: CommandIo = { out: process.stdout, err: process.stderr, stdin: process.stdin }

/** The same streams for commands that only print texts. */
const texts = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
}

const program = new Command('entrepot')
  .description('A self-hosted container registry.')
  .version(version)
  .showHelpAfterError()

program
  .command('serve', { isDefault: true })
  .description('run the registry')
  .argument('[file]', 'configuration file, as registry:2 takes it')
  .option(...configOption)
  .addHelpText('after', () => `\n${settingsHelp()}`)
  .action(
    exiting(async (file: string | undefined, options: { config?: string }) =>
      (await import('./commands/serve.ts')).serve({ config: options.config ?? file }, io),
    ),
  )

program
  .command('check-config')
  .description('print what the configuration amounts to, or everything that is wrong with it')
  .option(...configOption)
  .action(
    exiting(async (options: { config?: string }) =>
      (await import('./commands/check-config.ts')).checkConfig(options, { env: process.env, ...texts }),
    ),
  )

program
  .command('gc')
  .alias('garbage-collect')
  .description('collect garbage now; a running server does it by itself')
  .argument('[file]', 'configuration file, as registry:2 takes it')
  .option(...configOption)
  .option('-d, --dry-run', 'only say what would go and how many bytes come back')
  .option('--orphans', 'make candidates of files in the blob stores that the database knows nothing of')
  .option('--json', 'for scripts')
  .action(
    exiting(
      async (
        file: string | undefined,
        options: { config?: string; dryRun?: boolean; json?: boolean; orphans?: boolean },
      ) => (await import('./commands/gc.ts')).gc({ ...options, config: options.config ?? file }, io),
    ),
  )

program
  .command('import')
  .description('take over the data of another registry')
  .command('registry <folder>')
  .description('take over a data folder of registry:2, in place or by copying; a running server goes on')
  .option(...configOption)
  .option('--repository <name>', 'where the images go (default: the default repository)')
  .option('--verify', 'compare every blob with its digest, also where nothing is copied')
  .option('--json', 'for scripts')
  .action(
    exiting(
      async (folder: string, options: { config?: string; repository?: string; verify?: boolean; json?: boolean }) =>
        (await import('./commands/import.ts')).importRegistry(folder, options, io),
    ),
  )

program
  .command('backup <file>')
  .description('write all metadata to a file while serving; `-` is standard output. Blobs are copied apart')
  .option(...configOption)
  .action(
    exiting(async (file: string, options: { config?: string }) =>
      (await import('./commands/backup.ts')).backup(file, options, { ...io, out: process.stdout }),
    ),
  )

program
  .command('restore <file>')
  .description('fill an empty database from a backup, SQLite or PostgreSQL whichever it came from')
  .option(...configOption)
  .option('--force', 'replace all that the database holds')
  .action(
    exiting(async (file: string, options: { config?: string; force?: boolean }) =>
      (await import('./commands/restore.ts')).restore(file, options, io),
    ),
  )

program
  .command('explain <reference>')
  .description('say which repository, member and upstream would answer for an image, and why; asks no upstream')
  .option(...configOption)
  .option('--ns <registry>', 'as containerd sends it to a mirror: docker.io')
  .action(
    exiting(async (reference: string, options: { config?: string; ns?: string }) =>
      (await import('./commands/explain.ts')).explain(reference, options, io),
    ),
  )

program
  .command('audit')
  .description('who did what: changes, and what was denied; the newest first')
  .option(...configOption)
  .option('--user <name>', 'what this user did or tried')
  .option('--repository <name>', 'what is about this repository')
  .option('--action <action>', 'manifest.push, or with a star: manifest.*')
  .option('--denied', 'only what was denied')
  .option('--since <time>', 'how long ago (2h, 7d), or a time')
  .option('--until <time>', 'as --since')
  .option('--limit <count>', 'how many (default: 50, with --json all)')
  .option('--json', 'one object per line, for scripts and archives')
  .action(exiting(async (options: AuditOptions) => (await import('./commands/audit.ts')).audit(options, io)))

program
  .command('mirror-config <client>')
  .description('files that make containerd, docker, podman, k3s or kubespray use the proxies as mirrors')
  .option(...configOption)
  .option('--address <url>', 'how the clients reach the registry, https://NAME:PORT (default: as configured)')
  .option('--ca <file>', 'certificate of the authority that the clients have to trust')
  .option('--output <folder>', 'write the files there, as a tree, instead of printing them')
  .action(
    exiting(async (client: string, options: { config?: string; address?: string; ca?: string; output?: string }) =>
      (await import('./commands/mirror-config.ts')).mirrorConfig(client, options, io),
    ),
  )

program
  .command('ldap')
  .description('directories whose users may log in')
  .command('test <user>')
  .description('go through a login step by step, and say what to change where it fails')
  .option(...configOption)
  .option('--password-stdin', 'read the password from standard input and check it, too')
  .action(
    exiting(async (user: string, options: { config?: string; passwordStdin?: boolean }) =>
      (await import('./commands/ldap.ts')).testLdap(user, options, io),
    ),
  )

const cert = program.command('cert').description('certificates for TLS without anybody’s help')
cert
  .command('create')
  .description('make a CA and a server certificate, and say which file goes where')
  .requiredOption('--name <name...>', 'host name or IP address that clients use; several are allowed')
  .option('--out <folder>', 'where the files go', './certs')
  .option('--ca <folder>', 'a folder with ca.crt and ca.key to use instead of a new CA')
  .option('--days <days>', 'validity of the server certificate', Number)
  .option('--port <port>', 'port that clients use', Number)
  .option('--force', 'replace an existing server certificate')
  .action(
    exiting(
      async ({
        name,
        ...options
      }: {
        name: string[]
        out?: string
        ca?: string
        days?: number
        port?: number
        force?: boolean
      }) => (await import('./commands/cert.ts')).createCertificate({ names: name, ...options }, texts),
    ),
  )

addAccessCommands(program, io)
addRepoCommands(program, io)

addTokenCommands(program, { exiting, configOption, io })

/** The image of registry:2 is started as `registry serve FILE` or with `FILE` alone; both words stay in scripts for years. */
const words = process.argv.slice(process.argv[2] === 'registry' ? 3 : 2)
const [first = '-'] = words
const commands = program.commands.flatMap((command) => [command.name(), ...command.aliases()])
// A lone word would be taken for the configuration file of `serve`, and a misspelt command for a missing file.
if (/^[a-z][a-z-]*$/.test(first) && ![...commands, 'help'].includes(first) && !existsSync(first))
  program.error(`error: there is no command ${first}`, { exitCode: 2 })

await program.parseAsync(words, { from: 'user' })
