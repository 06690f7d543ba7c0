import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { build } from 'vite'

/** `npm run build:web`: the web page into dist/web, every file also as brotli, zstd and gzip. What was there is replaced at once when all is done. */
const root = resolve(import.meta.dirname, '..')
const target = join(root, 'dist/web')
const fresh = join(root, `dist/web.${process.pid}`)
const old = `${fresh}.old`

const started = performance.now()
process.env.NODE_ENV = 'production'
mkdirSync(join(root, 'dist'), { recursive: true })
try {
  await build({
    configFile: join(root, 'src/web/vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: fresh },
  })
  const names = readdirSync(fresh, { recursive: true, encoding: 'utf8' })
  const packed = names.filter((name) => /\.(js|css|svg)$/.test(name)).map((name) => pack(join(fresh, name)))
  if (existsSync(target)) renameSync(target, old)
  renameSync(fresh, target)
  const sum = (what: 'plain' | 'br') => `${(packed.reduce((all, sizes) => all + sizes[what], 0) / 1000).toFixed(0)} kB`
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.error(`entrepot: built the web page in ${seconds} s: ${sum('plain')}, sent as ${sum('br')}`)
} finally {
  for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true })
}

/** Writes `file` in its packed forms beside it. */
function pack(file: string): { plain: number; br: number } {
  const bytes = readFileSync(file)
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })
  writeFileSync(`${file}.br`, br)
  writeFileSync(`${file}.zst`, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }))
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  return { plain: bytes.length, br: br.length }
}
