import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { BunPlugin } from 'bun'
import { version } from '../src/version.ts'

/**
 * `npm run build:binary [-- --out FILE]`: the whole program with its runtime in one file, dist/entrepot, for the machine it was built
 * on. It needs nothing but the C library (glibc). The version is the one of package.json.
 */
const root = resolve(import.meta.dirname, '..')
const web = join(root, 'dist/web')
const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist/entrepot' } } })
const out = resolve(root, values.out)

/** The built page goes into the executable: a module with its files takes the place of the one that looks for them in a folder. */
const embedWeb: BunPlugin = {
  name: 'embed-web',
  setup(build) {
    build.onLoad({ filter: /src\/http\/web-files\.ts$/ }, () => {
      const names = readdirSync(web, { recursive: true, encoding: 'utf8' })
      const files = names.filter((name) => statSync(join(web, name)).isFile())
      const line = (name: string, index: number) =>
        `import file${index} from ${JSON.stringify(join(web, name))} with { type: 'file' }`
      const entries = files.map((name, index) => `[${JSON.stringify(name)}, file${index}]`)
      const contents = `${files.map(line).join('\n')}\nexport const webFiles = () => new Map([${entries.join(', ')}])`
      return { contents, loader: 'js' }
    })
  },
}

const { exitCode } = Bun.spawnSync(['sh', join(root, 'bin/build-web-if-stale')], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
if (exitCode !== 0) process.exit(1)
const result = await Bun.build({
  entrypoints: [join(root, 'src/main.ts')],
  plugins: [embedWeb],
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
