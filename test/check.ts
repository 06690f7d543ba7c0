import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { attempt } from './helpers/process.ts'

/** Checks everything that can be said without running the program: `npm run check`. `--fix` lets the formatter write. */
process.chdir(resolve(import.meta.dirname, '..'))
const bin = (name: string) => `node_modules/.bin/${name}`
const fix = process.argv.includes('--fix')

interface Step {
  name: string
  command: string[]
  /** A file or folder without which the step has nothing to do. */
  needs?: string
}

const steps: Step[] = [
  {
    name: 'format and lint',
    command: [bin('biome'), 'check', '--error-on-warnings', ...(fix ? ['--write'] : []), '.'],
  },
  { name: 'types', command: [bin('tsc'), '--project', '.'] },
  { name: 'rules of the house', command: [process.execPath, 'test', './test/rules'] },
  { name: 'documents', command: [process.execPath, 'test', './test/docs'], needs: 'test/docs' },
  {
    name: 'shell scripts',
    command: [...eachFile('sh -n'), 'bin/entrepot', 'bin/with-bun', 'bin/find-bun.sh', 'bin/build-web-if-stale'],
  },
  { name: 'bash scripts', command: [...eachFile('bash -n'), '.ci/run'] },
]

let failed = 0
for (const { name, command, needs } of steps) {
  if (needs && !existsSync(needs)) continue
  const started = performance.now()
  const { code, stdout, stderr } = await attempt(command)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'}  ${name.padEnd(20)} ${seconds} s`)
  if (code === 0) continue
  failed++
  console.log(`${stdout}${stderr}`.replace(/^/gm, '      '))
}
console.log(failed === 0 ? 'all is well' : `${failed} of ${steps.length} steps failed`)
process.exit(failed === 0 ? 0 : 1)

/** A shell command that runs `command` on each of the arguments that follow, and stops at the first failure. */
function eachFile(command: string): string[] {
  return ['sh', '-c', `for file; do ${command} "$file" || exit 1; done`, 'sh']
}
