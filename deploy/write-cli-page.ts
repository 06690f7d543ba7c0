import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Where the page belongs. */
export const cliPagePath: string = join(root, 'docs/cli.md')

const introduction = `<!-- Written by \`bin/with-bun deploy/write-cli-page.ts\` from the program's own --help; do not edit. -->

# Command line

\`bin/entrepot COMMAND\` in a clone, \`entrepot COMMAND\` as an installed executable. Without a command it serves. Results go to standard
output, everything said to a person to standard error. Exit codes: 0 done, 1 could not, 2 misused or a bad configuration, with everything
that is wrong named at once.

As in the image of registry:2, \`registry serve FILE\` and \`FILE\` alone also serve, and \`garbage-collect FILE\` collects garbage.
`

/** The whole page, from what the program prints with \`--help\` for itself and for each command. */
export function cliPage(): string {
  const sections = allCommands([]).map((words) => {
    // The list of settings is long and has a page of its own.
    const help = helpOf(words).split('\nSettings (YAML path')[0]!.trimEnd()
    const pointer = words[0] === 'serve' ? '\n\nSettings: [configuration.md](configuration.md).' : ''
    const name = ['entrepot', ...words].join(' ')
    return `## \`${name}\`\n\n\`\`\`text\n${help}\n\`\`\`${pointer}\n`
  })
  return `${introduction}\n${sections.join('\n')}`
}

/** The words of every command, parents before their children. */
export function allCommands(words: string[]): string[][] {
  const list = helpOf(words).split('\nCommands:\n')[1] ?? ''
  const names = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1]!)
  return [words, ...names.filter((name) => name !== 'help').flatMap((name) => allCommands([...words, name]))]
}

const known = new Map<string, string>()

function helpOf(words: string[]): string {
  const key = words.join(' ')
  const help = known.get(key) ?? execFileSync(process.execPath, ['--no-install', join(root, 'src/main.ts'), ...words, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '100', NO_COLOR: '1' },
  })
  known.set(key, help)
  return help
}

if (import.meta.main) writeFileSync(cliPagePath, cliPage())
