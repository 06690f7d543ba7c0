import { afterAll, beforeAll, expect } from 'bun:test'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { describeOnEachDatabase, type TestDatabase } from './databases.ts'
import { type FakeRequest, fakeIncoming } from './fake-incoming.ts'

export const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

export interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

export interface RequestOptions extends FakeRequest {
  headers?: Record<string, string>
}

/** Settings on top of a registry that is open to everyone and keeps its blobs in memory; the form is that of the file. */
export type TestSettings = Record<string, unknown>

/** A whole registry without sockets, and what tests do with it again and again. */
export interface TestRegistry {
  app(): App
  /** A request as it would come in, for whoever wants to look at the answer alone. */
  incoming: typeof fakeIncoming
  /** Sends one request and checks what must be true of every answer, whatever it is about. */
  request(method: string, target: string, options?: RequestOptions): Promise<Response>
  /** Sends one request; the answer must have this status. */
  expect(status: number, method: string, target: string, options?: RequestOptions): Promise<Response>
  /** Sends one request; the answer must be this error. Returns its first entry. */
  refused(status: number, code: string, method: string, target: string, options?: RequestOptions): Promise<ErrorEntry>
  /** Pushes content to an image and returns its digest. */
  blob(image: string, content: string | Uint8Array, algorithm?: string): Promise<string>
  /** Pushes a manifest, given as JSON or as bytes, under a tag or (without one) its sha256 digest. Returns its digest. */
  manifest(image: string, manifest: unknown, options?: { reference?: string; mediaType?: string }): Promise<string>
  /** Pushes a config and a layer, made of `seed`, and a manifest of them. Returns the manifest's descriptor. */
  image(image: string, options?: { tag?: string; seed?: string; extra?: object }): Promise<Descriptor>
  /** Pushes an index of descriptors. */
  index(image: string, manifests: object[], options?: { reference?: string; extra?: object }): Promise<Descriptor>
  /** Starts an upload and returns its location. */
  upload(image: string, query?: string): Promise<string>
  /** Its `dataDir`. */
  readonly dataDir: string
  /** Errors that were logged, as JSON lines. */
  readonly errors: string[]
}

export interface ErrorEntry {
  code: string
  message: string
  detail?: unknown
}

/**
 * Runs the tests against a registry, once on SQLite and once on PostgreSQL where there is one. Nothing may have been logged as an error
 * at the end, unless the tests took it out of `errors`.
 */
export function describeRegistry(name: string, settings: TestSettings, tests: (registry: TestRegistry) => void): void {
  describeOnEachDatabase(name, (openDatabase) => {
    let database: TestDatabase | undefined
    let app: App | undefined
    const folder = mkdtempSync(join(tmpdir(), 'entrepot-protocol-'))
    const errors: string[] = []
    beforeAll(async () => {
      database = await openDatabase()
      app = await openTestApp({ dataDir: folder, database: database.url, ...settings }, errors)
    })
    afterAll(async () => {
      await app?.close()
      await database?.close()
      rmSync(folder, { recursive: true, force: true })
      expect(errors).toEqual([])
    })
    tests(createTestRegistry(() => app!, errors, folder))
  })
}

function openTestApp(settings: TestSettings, errors: string[]): Promise<App> {
  const whole = {
    version: 0.1,
    log: { accesslog: { disabled: true } },
    auth: { none: {} },
    storage: { inmemory: {}, delete: { enabled: true } },
    ...settings,
  }
  // JSON is YAML.
  const { config } = loadConfig({ text: JSON.stringify(whole), file: 'test.yml', env: {}, cwd: tmpdir() })
  return openApp(
    config,
    createLog({ level: 'error', formatter: 'json', stream: { write: (line) => errors.push(line) } }),
  )
}

function createTestRegistry(app: () => App, errors: string[], dataDir: string): TestRegistry {
  async function request(method: string, target: string, { headers = {}, ...rest }: RequestOptions = {}) {
    const response = await app().handler(fakeIncoming(method, target, headers, rest))
    await checkAnswer(method, target, response)
    return response
  }

  async function expectStatus(status: number, method: string, target: string, options?: RequestOptions) {
    const response = await request(method, target, options)
    if (response.status !== status) {
      throw new Error(`${method} ${target}: expected ${status}, got ${response.status}: ${await response.text()}`)
    }
    return response
  }

  async function refused(status: number, code: string, method: string, target: string, options?: RequestOptions) {
    const response = await expectStatus(status, method, target, options)
    expect(response.headers.get('content-type')).toBe('application/json')
    const { errors: entries } = (await response.json()) as { errors: ErrorEntry[] }
    expect(entries[0]?.code).toBe(code)
    return entries[0] as ErrorEntry
  }

  async function upload(image: string, query = '') {
    const started = await expectStatus(202, 'POST', `/v2/${image}/blobs/uploads/${query}`)
    return started.headers.get('location') as string
  }

  async function blob(image: string, content: string | Uint8Array, algorithm = 'sha256') {
    const digest = digestOf(content, algorithm)
    await expectStatus(201, 'POST', `/v2/${image}/blobs/uploads/?digest=${digest}`, { body: content })
    return digest
  }

  async function manifest(image: string, value: unknown, options: { reference?: string; mediaType?: string } = {}) {
    const body = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value))
    const mediaType = options.mediaType ?? (value as { mediaType?: string }).mediaType ?? types.manifest
    const reference = options.reference ?? digestOf(body)
    const answer = await expectStatus(201, 'PUT', `/v2/${image}/manifests/${reference}`, {
      headers: { 'content-type': mediaType },
      body,
    })
    return answer.headers.get('docker-content-digest') as string
  }

  return {
    app,
    request,
    expect: expectStatus,
    refused,
    blob,
    manifest,
    upload,
    errors,
    dataDir,
    incoming: fakeIncoming,
    async image(image, { tag, seed = image, extra = {} } = {}) {
      const value = imageManifest(seed, extra)
      await blob(image, configOf(seed))
      await blob(image, layerOf(seed))
      return describe(value, await manifest(image, value, tag === undefined ? {} : { reference: tag }))
    },
    async index(image, manifests, { reference, extra = {} } = {}) {
      const value = { schemaVersion: 2, mediaType: types.index, manifests, ...extra }
      return describe(value, await manifest(image, value, reference === undefined ? {} : { reference }))
    },
  }

  function describe(value: { mediaType: string }, digest: string): Descriptor {
    return { mediaType: value.mediaType, digest, size: Buffer.byteLength(JSON.stringify(value)) }
  }
}

/** What holds for every answer: no failure of ours, Docker's header, a true length, and no body on HEAD. */
async function checkAnswer(method: string, target: string, response: Response): Promise<void> {
  const { headers, status } = response
  const about = `${method} ${target.slice(0, 200)} answered ${status}`
  if (status >= 500) throw new Error(`${about}: ${await response.text()}`)
  // What is refused before any protocol sees it: paths without end, and methods that proxies and debuggers use.
  const isOurs = status !== 414 && method !== 'TRACE' && method !== 'CONNECT'
  if (isOurs && /^\/v2(\/|\?|$)/.test(target)) {
    expect(headers.get('docker-distribution-api-version'), about).toBe('registry/2.0')
  }
  if (isOurs && method === 'HEAD' && /^\/v[12](\/|\?|$)/.test(target)) {
    expect(response.body, about).toBeNull()
    if (status === 200 || status === 404) expect(headers.get('content-length'), about).toMatch(/^\d+$/)
    return
  }
  const length = headers.get('content-length')
  if (length !== null && method !== 'HEAD') expect((await response.clone().bytes()).length, about).toBe(Number(length))
}

export function digestOf(content: string | Uint8Array, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`
}

/** The descriptor of some content. */
export function descriptorOf(mediaType: string, content: string | Uint8Array, algorithm?: string): Descriptor {
  return { mediaType, digest: digestOf(content, algorithm), size: Buffer.byteLength(content) }
}

/** The config and the layer that `imageManifest` names. */
export const configOf = (seed: string) => JSON.stringify({ architecture: 'amd64', os: 'linux', seed })
export const layerOf = (seed: string) => `layer of ${seed}`

/** An image of one layer, made of `seed`. */
export function imageManifest(seed: string, extra: object = {}) {
  return {
    schemaVersion: 2,
    mediaType: types.manifest as string,
    config: descriptorOf(types.config, configOf(seed)),
    layers: [descriptorOf(types.layer, layerOf(seed))],
    ...extra,
  }
}

/** Follows `Link: rel="next"` until the last page and returns all entries of `field`, page by page. */
export async function allPages(registry: TestRegistry, target: string, field: string): Promise<string[][]> {
  const pages: string[][] = []
  let next: string | undefined = target
  while (next !== undefined) {
    if (pages.length > 500) throw new Error(`${target} does not come to an end`)
    const response: Response = await registry.expect(200, 'GET', next)
    pages.push(((await response.json()) as Record<string, string[]>)[field] as string[])
    next = nextOf(response)
  }
  return pages
}

/** The target of the `Link` to the next page, read as podman does: up to the first semicolon, without the brackets. */
export function nextOf(response: Response): string | undefined {
  const link = response.headers.get('link')
  if (link === null) return undefined
  expect(link).toMatch(/^<[^>]+>; rel="next"$/)
  return link.split(';')[0]?.replace(/^<|>$/g, '')
}
