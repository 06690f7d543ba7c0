import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
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

/** The whole page, from what the program prints with `--help` for itself and for each command. */
export async function cliPage(): Promise<string> {
  const sections = (await allCommands()).map(({ words, help }) => {
    const name = ['entrepot', ...words].join(' ')
    // The list of settings is long and has a page of its own.
    const text = help.split('\nSettings (YAML path')[0]!.trimEnd()
    const pointer = words[0] === 'serve' ? '\n\nSettings: [configuration.md](configuration.md).' : ''
    return `## \`${name}\`\n\n\`\`\`text\n${text}\n\`\`\`${pointer}\n`
  })
  return `${introduction}\n${sections.join('\n')}`
}

/** Every command by its words, with what its `--help` prints; parents before their children. */
async function allCommands(words: string[] = []): Promise<{ words: string[]; help: string }[]> {
  const { stdout: help } = await run(
    process.execPath,
    ['--no-install', join(root, 'src/main.ts'), ...words, '--help'],
    {
      env: { ...process.env, NO_COLOR: '1' },
    },
  )
  // Only to the next empty line: examples behind the list are no commands.
  const list = help.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? ''
  const names = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1]!).filter((name) => name !== 'help')
  const below = await Promise.all(names.map((name) => allCommands([...words, name])))
  return [{ words, help }, ...below.flat()]
}

if (import.meta.main) writeFileSync(cliPagePath, await cliPage())
