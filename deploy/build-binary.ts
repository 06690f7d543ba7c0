import { chmodSync, existsSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { version } from '../src/version.ts'

/**
 * `npm run build:binary [-- --out FILE]`: the whole program with its runtime in one file, dist/entrepot, for the machine it was built
 * on. It needs nothing but the C library (glibc). The version is the one of package.json.
 */
const root = resolve(import.meta.dirname, '..')
const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist/entrepot' } } })
const out = resolve(root, values.out)

const result = await Bun.build({
  entrypoints: [join(root, 'src/main.ts')],
  minify: { whitespace: true, syntax: true },
  // Embedded: the lines in a stack trace are those of the source.
  sourcemap: 'linked',
  compile: {
    outfile: out,
    // What lies in the folder it is started from must not change what it does.
    autoloadDotenv: false,
    autoloadBunfig: false,
  },
})
for (const message of result.logs) console.error(message)
if (!result.success) process.exit(1)
if (existsSync(`${out}.map`)) rmSync(`${out}.map`)
chmodSync(out, 0o755)
console.log(`entrepot ${version}: ${out}, ${(statSync(out).size / 1e6).toFixed(0)} MB`)
