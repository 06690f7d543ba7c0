import { type Digest, isDigest } from '../content/digest.ts'
import type { Log } from '../telemetry/log.ts'
import { createAuthorized } from './authorized.ts'
import { type BlobOptions, createBlobs, type UpstreamBlob } from './blobs.ts'
import { discard, parseObject, readJson } from './body.ts'
import { type ApiRequest, createClient } from './client.ts'
import { createExchange, type Fetch } from './exchange.ts'
import { failure } from './failures.ts'
import { createForeign, type Foreign } from './foreign.ts'
import { createGuard, type Guard } from './guard.ts'
import { createHealth, type HealthState } from './health.ts'
import type { PullLimit } from './limits.ts'
import {
  nextOf,
  pageQuery,
  referrersOf,
  referrersTag,
  textsOf,
  type UpstreamList,
  type UpstreamPage,
  type UpstreamReferrer,
} from './lists.ts'
import {
  type ManifestOptions,
  manifestOfGet,
  manifestOfHead,
  manifestTypes,
  type UpstreamManifest,
} from './manifest.ts'
import { apiBase, canonicalName, namespacesOf } from './names.ts'
import { createOutbound, type Outbound } from './outbound.ts'
import { createRequests } from './requests.ts'
import { findsAmong, findsOf, maxIndexBytes, searchBase, type UpstreamFind } from './search.ts'
import { defaultTiming, type UpstreamSettings } from './settings.ts'
import { createBandwidth, createGate } from './throttle.ts'
import { createTokens } from './tokens.ts'

export interface UpstreamParts {
  log: Log
  /** Milliseconds since 1970. */
  now?: () => number
  fetch?: Fetch
  /** Shared by all upstreams. Default: straight, whatever the environment says. */
  outbound?: Outbound
  /** Shared by all upstreams. Default: the strict one, with private addresses. */
  guard?: Guard
  /** For the URLs that images name. Default: the strict one, without private addresses. */
  foreignGuard?: Guard
  /** Told how long each answer took to begin. */
  answered?: ((kind: 'manifest' | 'blob' | 'other', seconds: number) => void) | undefined
}

export interface UpstreamState {
  health: HealthState
  limit: PullLimit | undefined
  /** How it wants to be logged in to, as far as is known. */
  scheme: 'none' | 'basic' | 'bearer'
}

/**
 * A registry somewhere else. Image names are taken as clients write them and made canonical. Absence is undefined; trouble is an `AppError` that names the
 * upstream: `upstream-failed` (unreachable, 5xx, wrong bytes), `upstream-timeout`, `throttled` (429), `unauthenticated` (the credentials set for it are
 * refused), `denied` (401 or 403 although logged in, which is also how Docker Hub says that an image is not there), `upstream-blocked`, `policy-refused` (the guard).
 */
export interface Upstream {
  readonly name: string
  /** Values of `?ns=` that mean this upstream. */
  readonly namespaces: readonly string[]
  /** The name it is asked for, and to be stored under. */
  canonical(image: string): string
  /** `unchanged` only with `ifNoneMatch`. `reference` is a tag or a digest. A HEAD that does not tell enough is made a GET. */
  manifest(
    image: string,
    reference: string,
    options?: ManifestOptions,
  ): Promise<UpstreamManifest | 'unchanged' | undefined>
  blob(image: string, digest: Digest, options?: BlobOptions): Promise<UpstreamBlob | undefined>
  /** Whether a blob is there, and its size where the upstream tells: no body is sent. */
  blobInfo(image: string, digest: Digest, signal?: AbortSignal): Promise<{ size: number | undefined } | undefined>
  /** Layers that its images say live elsewhere. */
  foreign: Foreign
  tags(image: string, page?: UpstreamPage, signal?: AbortSignal): Promise<UpstreamList<string> | undefined>
  /** Falls back to the tag that holds the list where there is no API for it. */
  referrers(
    image: string,
    digest: Digest,
    options?: UpstreamPage & { artifactType?: string; signal?: AbortSignal },
  ): Promise<UpstreamList<UpstreamReferrer>>
  /** Undefined: it has no catalog, as Docker Hub. */
  catalog(page?: UpstreamPage, signal?: AbortSignal): Promise<UpstreamList<string> | undefined>
  /** As `index` says. Where the upstream itself has no search, names in the first page of its catalog that contain the term. */
  search(term: string, limit: number, signal?: AbortSignal): Promise<UpstreamFind[]>
  /** Resolves when it answers as a registry and takes our login. */
  ping(signal?: AbortSignal): Promise<void>
  state(): UpstreamState
  /** Blocks it by hand, or (undefined) lifts any block. */
  block(reason: string | undefined): void
}

const kinds = { manifests: 'manifest', checks: 'manifest', blobs: 'blob', lists: 'other' } as const

/** Makes no request yet. Throws TypeError or RangeError for a URL, proxy or range that cannot be read. */
export function createUpstream(settings: UpstreamSettings, parts: UpstreamParts): Upstream {
  const { name, index = 'auto', libraryPrefix } = settings
  const { answered } = parts
  const { log, now = Date.now, fetch = globalThis.fetch, outbound = createOutbound(), guard = createGuard() } = parts
  const { foreignGuard = createGuard({ allowPrivate: false }) } = parts
  const timing = { ...defaultTiming, ...settings.timing }
  const base = apiBase(settings.url)
  const idleMs = timing.idleMs
  if (settings.insecure) log.warn('certificates of this upstream are not checked', { upstream: name, host: base.host })

  const exchange = createExchange({ name, own: settings, responseMs: timing.responseMs, fetch, guard, outbound })
  const requests = createRequests(exchange, timing)
  const tokens = createTokens({ name, home: base, account: settings, requests, idleMs, now })
  const authorized = createAuthorized(base, settings, requests, tokens, idleMs)
  const health = createHealth(name, timing, now, ({ state, reason }) =>
    log[state === 'ok' ? 'info' : 'warn'](`upstream is ${state}`, { upstream: name, reason }),
  )
  if (settings.blocked) health.block('by its settings (blocked: true)')
  const client = createClient({
    base,
    authorized,
    health,
    idleMs,
    now,
    answered: answered && ((kind, seconds) => answered(kinds[kind], seconds)),
  })
  const canonical = (image: string) => canonicalName(image, base, libraryPrefix)
  const pull = (image: string) => `repository:${canonical(image)}:pull`

  async function manifest(
    image: string,
    reference: string,
    options: ManifestOptions = {},
  ): ReturnType<Upstream['manifest']> {
    const { accept = manifestTypes, method = 'GET', ifNoneMatch, signal } = options
    const request: ApiRequest = {
      path: `/v2/${canonical(image)}/manifests/${encodeURIComponent(reference).replace('%3A', ':')}`,
      method,
      headers: { accept: accept.join(', '), ...(ifNoneMatch && { 'if-none-match': `"${ifNoneMatch}"` }) },
      scope: pull(image),
      kind: method === 'HEAD' ? 'checks' : 'manifests',
      what: `manifest ${reference} of ${canonical(image)}`,
      verified: isDigest(reference),
      signal,
    }
    // 405 and 501: a server that knows no HEAD.
    const answer = await client.ask({ ...request, ...(method === 'HEAD' && { accepted: [405, 501] }) })
    if (!answer) return undefined
    if (answer.status === 304) return 'unchanged'
    if (method === 'GET') return manifestOfGet(answer, reference, idleMs)
    const told = answer.status === 200 ? await manifestOfHead(answer, reference, idleMs) : undefined
    return told ?? manifest(image, reference, { ...options, method: 'GET' })
  }

  async function list(
    path: string,
    request: Omit<ApiRequest, 'path' | 'kind'>,
    page: UpstreamPage,
    more?: Record<string, string | undefined>,
  ) {
    const answer = await client.ask({ ...request, path: path + pageQuery(page, more), kind: 'lists' })
    return answer && { body: await readJson(answer, idleMs), next: nextOf(answer.headers) }
  }

  async function catalog(page: UpstreamPage = {}, signal?: AbortSignal) {
    const found = await list('/v2/_catalog', { scope: 'registry:catalog:*', what: 'its catalog', signal }, page)
    return found && { entries: textsOf(found.body, 'repositories'), next: found.next }
  }

  /** Not while it is blocked, and what it makes of a search says nothing of how it gives images. */
  async function askForSearch(request: Pick<ApiRequest, 'path' | 'what' | 'signal'>) {
    const { state, reason } = health.state()
    if (state.startsWith('blocked')) throw failure('unavailable', { upstream: name, host: base.host }, `${reason}`)
    return client.goOn({ ...request, scope: 'registry:catalog:*', kind: 'lists' })
  }

  async function search(term: string, limit: number, signal?: AbortSignal): Promise<UpstreamFind[]> {
    const where = searchBase(index, base)
    if (where === undefined) return []
    const path = `/v1/search?${new URLSearchParams({ q: term, n: String(limit) })}`
    const request = { path, what: 'its search', signal }
    // Another host's search gets no login of ours.
    const url = where === 'upstream' ? undefined : new URL(where.href.replace(/\/$/, '') + path)
    const answer = url
      ? await client.read(await requests({ url, method: 'GET', headers: {}, signal }), 'its index')
      : await askForSearch(request)
    if (answer) return findsOf(await readJson(answer, idleMs, maxIndexBytes)).slice(0, limit)
    if (url) return []
    const list = await askForSearch({ ...request, path: '/v2/_catalog?n=1000' })
    return list ? findsAmong(textsOf(await readJson(list, idleMs), 'repositories'), term, limit) : []
  }

  const { maxBandwidth, maxDownloads: most } = settings
  const blob = createBlobs({
    client,
    timing,
    canonical,
    scopeOf: pull,
    bandwidth: maxBandwidth === undefined ? undefined : createBandwidth(maxBandwidth),
    gate: most === undefined ? undefined : createGate({ name, most, patienceMs: timing.responseMs, log }),
  })
  // Other hosts: neither our trust in this one's certificate nor our login goes there.
  const { responseMs } = timing
  const elsewhere = createExchange({
    name,
    own: { proxy: settings.proxy },
    responseMs,
    fetch,
    guard: foreignGuard,
    outbound,
  })

  return {
    name,
    namespaces: namespacesOf(base, settings.namespaces),
    canonical,
    manifest,
    blob,
    foreign: createForeign(createRequests(elsewhere, timing), timing),
    async blobInfo(image, digest, signal) {
      const answer = await client.ask({
        path: `/v2/${canonical(image)}/blobs/${digest}`,
        method: 'HEAD',
        scope: pull(image),
        kind: 'blobs',
        what: `blob ${digest} of ${canonical(image)}`,
        // A server that knows no HEAD.
        accepted: [405, 501],
        verified: true,
        signal,
      })
      if (!answer) return undefined
      await discard(answer, idleMs)
      if (answer.status === 200) return { size: sizeOf(answer.headers) }
      const found = await blob(image, digest, { signal })
      found?.cancel()
      return found && { size: found.size }
    },
    async tags(image, page = {}, signal) {
      const path = `/v2/${canonical(image)}/tags/list`
      const found = await list(path, { scope: pull(image), what: `the tags of ${canonical(image)}`, signal }, page)
      return found && { entries: textsOf(found.body, 'tags'), next: found.next }
    },
    async referrers(image, digest, { artifactType, signal, ...page } = {}) {
      const request = { scope: pull(image), what: `the referrers of ${digest}`, signal }
      const found = await list(`/v2/${canonical(image)}/referrers/${digest}`, request, page, { artifactType })
      if (found) return { entries: referrersOf(found.body, artifactType), next: found.next }
      const fallback = await manifest(image, referrersTag(digest), { signal })
      if (fallback === undefined || fallback === 'unchanged') return { entries: [], next: undefined }
      const body = (fallback.bytes && parseObject(fallback.bytes)) ?? {}
      return { entries: referrersOf(body, artifactType), next: undefined }
    },
    catalog,
    search,
    async ping(signal) {
      const answer = await client.ask({ path: '/v2/', kind: 'checks', what: 'a ping', signal })
      if (answer) return discard(answer, idleMs)
      throw failure(
        'upstream-failed',
        { upstream: name, host: base.host },
        `${base.href} knows no /v2/: it is no registry`,
      )
    },
    state: () => ({ health: health.state(), limit: client.limit(), scheme: authorized.scheme }),
    block: health.block,
  }
}

function sizeOf(headers: Headers): number | undefined {
  const length = headers.get('content-length') ?? ''
  return /^\d+$/.test(length) ? Number(length) : undefined
}
