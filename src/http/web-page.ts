import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { headOf, plainAnswer } from './compose.ts'
import type { Handler, Incoming } from './incoming.ts'

/** One file in the forms it can be sent in. */
interface WebFile {
  type: string
  etag: string
  /** By content coding; `identity` is always there. */
  forms: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/** Best first: what is smallest of our files. */
const codings = [
  ['br', '.br'],
  ['zstd', '.zst'],
  ['gzip', '.gz'],
] as const

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8',
}

/** On every answer. The page loads nothing from anywhere else, and stands in no frame. */
const common = {
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
}

/**
 * The web page: its files, and `index.html` at every path a browser may ask for, because the page itself knows which of them there are.
 * Files are read at the first request and kept: they are small and never change while the process runs.
 * What the build named by its content is good forever; everything else is asked for anew.
 */
export function createWebPage(files: () => ReadonlyMap<string, string> | undefined): Handler {
  let loaded: Site | undefined
  return (incoming) => {
    incoming.route = 'web'
    const { method, path } = incoming
    if (method !== 'GET' && method !== 'HEAD') return plainAnswer(405, `${method} is not served here\n`)
    loaded ??= load(files())
    if (!loaded) return plainAnswer(503, 'the web page was not built; run: npm run build:web\n')
    const file = loaded.files.get(path.slice(1))
    if (!file && !isPage(incoming)) return plainAnswer(404, 'nothing here\n')
    const response = file ? fileAnswer(incoming, file) : pageAnswer(incoming, loaded.index)
    return method === 'HEAD' ? headOf(response) : response
  }
}

interface Site {
  /** `index.html` with places for the nonce and the prefix. */
  index: string
  files: ReadonlyMap<string, WebFile>
}

function load(paths: ReadonlyMap<string, string> | undefined): Site | undefined {
  const index = paths?.get('index.html')
  if (!paths || index === undefined) return undefined
  const files = new Map<string, WebFile>()
  for (const [name, path] of paths) {
    const type = types[name.slice(name.lastIndexOf('.') + 1)]
    if (name === 'index.html' || type === undefined) continue
    const plain = readFileSync(path)
    const forms = new Map([['identity', plain]])
    for (const [coding, ending] of codings) {
      const packed = paths.get(name + ending)
      if (packed !== undefined) forms.set(coding, readFileSync(packed))
    }
    files.set(name, { type, etag: createHash('sha256').update(plain).digest('base64url').slice(0, 22), forms })
  }
  return { index: readFileSync(index, 'utf8'), files }
}

/** `/` is for everyone; any other page only for who wants to see one, so that a program with a wrong address is told so. */
function isPage({ path, headers }: Incoming): boolean {
  if (path === '/') return true
  return !path.startsWith('/assets/') && (headers.get('accept') ?? '').includes('text/html')
}

function fileAnswer({ path, headers: asked }: Incoming, { type, etag, forms }: WebFile): Response {
  const coding = bestCoding(asked.get('accept-encoding') ?? '', forms)
  const tag = `"${etag}-${coding}"`
  const headers = new Headers({
    ...common,
    'content-type': type,
    'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: tag,
    vary: 'Accept-Encoding',
  })
  if (asked.get('if-none-match')?.includes(tag)) return new Response(null, { status: 304, headers })
  if (coding !== 'identity') headers.set('content-encoding', coding)
  const body = forms.get(coding)!
  headers.set('content-length', String(body.length))
  return new Response(body, { headers })
}

/** The first of our codings that `Accept-Encoding` names and does not refuse with `q=0`. */
function bestCoding(accepted: string, forms: ReadonlyMap<string, unknown>): string {
  const named = accepted.split(',').map((item) => item.trim().split(/\s*;\s*/))
  const isWanted = (coding: string) => named.some(([name, q]) => name === coding && !/^q=0(\.0*)?$/.test(q ?? ''))
  return codings.find(([coding]) => forms.has(coding) && isWanted(coding))?.[0] ?? 'identity'
}

/** `index.html` with a nonce of its own: the styles that the page makes while it runs carry it, and nothing else that is written into the page runs. */
function pageAnswer({ origin }: Incoming, index: string): Response {
  const nonce = randomBytes(18).toString('base64')
  const body = Buffer.from(index.replaceAll('__NONCE__', nonce).replaceAll('__PREFIX__', escaped(origin.prefix)))
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ]
  return new Response(body, {
    headers: {
      ...common,
      'content-type': types.html!,
      'content-length': String(body.length),
      // Not kept anywhere: a nonce that is used twice is none.
      'cache-control': 'no-cache, no-store',
      'content-security-policy': policy.join('; '),
    },
  })
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
