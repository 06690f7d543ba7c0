import { afterEach } from 'bun:test'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { type App, openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { fakeIncoming } from './fake-incoming.ts'
import type { Image } from './oci.ts'
import { temporaryFolder } from './process.ts'
import { type RudeAnswer, type RudeUpstream, rangeStart, respond, startRudeUpstream } from './rude-upstream.ts'

/** A registry of a few lines that does what the test says instead, where the test says something. */
export interface ToyUpstream extends RudeUpstream {
  /** Image names with their content. */
  put(image: string, content: Image, tag?: string): void
  remove(image: string, tag: string): void
  /** Answers instead of the registry while set. Return false to let the registry answer. */
  rude: ((...call: Parameters<RudeAnswer>) => boolean | Promise<boolean>) | undefined
  /** How often something was asked for: `GET blobs`, `HEAD manifests`. */
  count(method: string, kind: string): number
}

export async function startToyUpstream(): Promise<ToyUpstream> {
  const manifests = new Map<string, Image['manifest']>()
  const blobs = new Map<string, Uint8Array>()
  let toy: ToyUpstream | undefined
  const server = await startRudeUpstream(async (socket, request) => {
    if (await toy?.rude?.(socket, request)) return
    const [, image = '', kind = '', reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^?]+)/.exec(request.path) ?? []
    const key = `${image} ${reference}`
    const manifest = manifests.get(key)
    const bytes = blobs.get(key)
    const isHead = request.method === 'HEAD'
    if (kind === 'manifests' && manifest) {
      const etag = `"${manifest.digest}"`
      const headers = { 'content-type': manifest.mediaType, 'docker-content-digest': manifest.digest, etag }
      if (request.headers['if-none-match'] === etag) respond(socket, 304, { ...headers, 'content-length': '' })
      else if (isHead) respond(socket, 200, { ...headers, 'content-length': String(manifest.bytes.length) })
      else respond(socket, 200, headers, manifest.bytes)
    } else if (kind === 'blobs' && bytes) {
      const start = rangeStart(request)
      const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}
      if (isHead) respond(socket, 200, { 'content-length': String(bytes.length) })
      else respond(socket, start > 0 ? 206 : 200, range, bytes.subarray(start))
    } else if (kind === 'tags') {
      const tags = [...manifests.keys()].filter((one) => one.startsWith(`${image} `)).map((one) => one.split(' ')[1]!)
      const named = tags.filter((tag) => !tag.includes(':'))
      if (tags.length === 0) respond(socket, 404, {}, '{"errors":[{"code":"NAME_UNKNOWN"}]}')
      else respond(socket, 200, { 'content-type': 'application/json' }, JSON.stringify({ name: image, tags: named }))
    } else
      respond(
        socket,
        404,
        { 'content-type': 'application/json' },
        isHead ? '' : '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}',
      )
  })
  toy = {
    ...server,
    rude: undefined,
    put(image, { manifest, config, layers }, tag) {
      for (const blob of [config, ...layers]) blobs.set(`${image} ${blob.digest}`, blob.bytes)
      manifests.set(`${image} ${manifest.digest}`, manifest)
      if (tag) manifests.set(`${image} ${tag}`, manifest)
    },
    remove: (image, tag) => manifests.delete(`${image} ${tag}`),
    count: (method, kind) =>
      server.requests.filter((one) => one.method === method && one.path.includes(`/${kind}/`)).length,
  }
  return toy
}

/** A registry without sockets that has one proxy, `far`, as its default, and a clock that the test moves. */
export interface ProxyLab {
  app: App
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Response>
  /** Lets time pass for the registry. */
  pass(ms: number): void
  /** Somebody sets the clock of the registry's machine forward, or back. */
  setClock(ms: number): void
  /** Lines that were logged, as JSON. */
  lines: string[]
  close(): Promise<void>
}

export interface ProxyLabOptions {
  upstream?: Record<string, unknown>
  /** Repositories beside `far`. */
  repositories?: object[]
  more?: Record<string, unknown>
  /** URL of the database. Default: a file of its own. */
  database?: string | undefined
  /** Where the data lies, for several registries one after the other; whoever names it removes it. Default: a folder of its own. */
  folder?: string | undefined
}

export async function openProxyLab(
  url: string,
  { upstream = {}, repositories = [], more = {}, database, folder: given }: ProxyLabOptions = {},
): Promise<ProxyLab> {
  const folder = given ?? temporaryFolder('proxy')
  const lines: string[] = []
  let ahead = 0
  let wrong = 0
  const whole = {
    version: 0.1,
    dataDir: folder,
    auth: { none: {} },
    log: { accesslog: { disabled: true } },
    defaultRepository: 'far',
    repositories: [
      { name: 'far', type: 'proxy', upstream: { url, responseTimeout: '2s', idleTimeout: '500ms', ...upstream } },
      ...repositories,
    ],
    ...(database !== undefined && { database }),
    ...more,
  }
  const { config } = loadConfig({ text: JSON.stringify(whole), file: 'test.yml', env: {}, cwd: tmpdir() })
  const log = createLog({ level: 'warn', formatter: 'json', stream: { write: (line) => lines.push(line) } })
  const wall = () => Date.now() + ahead + wrong
  const app = await openApp(config, log, wall, () => performance.now() + ahead)
  return {
    app,
    lines,
    get: async (path, headers = {}, method = 'GET') => app.handler(fakeIncoming(method, path, headers)),
    pass(ms) {
      ahead += ms
    },
    setClock(ms) {
      wrong += ms
    },
    async close() {
      await app.close()
      if (given === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** For the tests of one file: a lab with an upstream of its own as often as wanted, and a list of what else to close. All are closed after each test, the last one first. */
export function labsOfTests() {
  const open: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const part of open.splice(0).reverse()) await part.close()
  })
  return {
    open,
    async lab(options: ProxyLabOptions = {}): Promise<{ far: ToyUpstream; proxy: ProxyLab }> {
      const far = await startToyUpstream()
      open.push(far)
      const proxy = await openProxyLab(far.url, options)
      open.push(proxy)
      return { far, proxy }
    },
  }
}
