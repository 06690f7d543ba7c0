import { createHash } from 'node:crypto'
import { type Blob, digestOf, type Image, type Manifest, mediaTypes } from './oci.ts'
import type { Credentials } from './registry-process.ts'

export interface RequestOptions {
  headers?: Record<string, string>
  body?: Uint8Array<ArrayBuffer> | string | AsyncIterable<Uint8Array> | undefined
  signal?: AbortSignal
}

/** The distribution protocol over plain HTTP, one function per step, so that a test decides what to send and sees what came back. */
export interface RegistryClient {
  readonly url: string
  /** One request; `path` starts with `/` or is the whole URL of a `Location`. Never follows redirects, never throws for a status. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>

  /** Starts an upload and returns its location. */
  startUpload(image: string): Promise<string>
  /** Sends a blob as POST and PUT. A stream goes out chunked, without a length. */
  pushBlob(image: string, blob: Blob | { digest: string; stream: AsyncIterable<Uint8Array> }): Promise<Response>
  /** Sends a blob as POST, one PATCH per chunk with `Content-Range`, and an empty PUT. */
  pushBlobInChunks(image: string, blob: Blob, chunkSize: number): Promise<Response>
  /** Links a blob of another image. Resolves with the answer: 201 when linked, 202 when an upload was started instead. */
  mount(image: string, digest: string, from: string): Promise<Response>
  /** Puts a manifest under its digest, or under a tag. */
  pushManifest(image: string, manifest: Manifest, reference?: string): Promise<Response>
  /** Pushes layers, config and manifest in this order, skipping no blob. Throws unless each was created. */
  pushImage(image: string, content: Image, reference?: string): Promise<void>

  /** A manifest's bytes and type, checked against the digest the server names. Undefined when absent. */
  pullManifest(image: string, reference: string): Promise<Manifest | undefined>
  /** Reads a blob to its end and returns its size. Throws when the bytes do not match the digest; undefined when absent. */
  verifyBlob(image: string, digest: string): Promise<number | undefined>
  /** Pulls an image whole and compares every byte by digest. Throws naming what is missing or wrong. */
  verifyImage(image: string, content: Image, reference?: string): Promise<void>
  hasBlob(image: string, digest: string): Promise<boolean>
  tags(image: string): Promise<string[]>
  delete(image: string, kind: 'manifests' | 'blobs', reference: string): Promise<Response>
}

/** A client of one registry. Credentials go along as Basic with every request. Each request has a connection of its own. */
export function registryClient(server: { url: string; credentials?: Credentials | undefined }): RegistryClient {
  const { url, credentials } = server
  const authorization: Record<string, string> = credentials
    ? { authorization: `Basic ${btoa(`${credentials.username}:${credentials.password}`)}` }
    : {}

  const request: RegistryClient['request'] = (method, path, { headers = {}, body, signal } = {}) =>
    fetch(new URL(path, url), {
      method,
      headers: { ...authorization, ...headers },
      body: (body ?? null) as BodyInit | null,
      redirect: 'manual',
      keepalive: false, // a kept connection that the server is just closing fails a POST, which would blame the server
      decompress: false,
      tls: { rejectUnauthorized: false },
      ...(signal ? { signal } : {}),
    })

  const client: RegistryClient = {
    url,
    request,

    async startUpload(image) {
      const response = await expectStatus(await request('POST', `/v2/${image}/blobs/uploads/`), 202)
      return locationOf(response)
    },

    async pushBlob(image, blob) {
      const location = withDigest(await client.startUpload(image), blob.digest)
      const body = 'bytes' in blob ? blob.bytes : blob.stream
      return request('PUT', location, { body, headers: { 'content-type': 'application/octet-stream' } })
    },

    async pushBlobInChunks(image, blob, chunkSize) {
      let location = await client.startUpload(image)
      for (let first = 0; first < blob.bytes.length; first += chunkSize) {
        const body = blob.bytes.slice(first, first + chunkSize)
        const headers = {
          'content-type': 'application/octet-stream',
          'content-range': `${first}-${first + body.length - 1}`,
        }
        const response = await expectStatus(await request('PATCH', location, { body, headers }), 202)
        location = locationOf(response)
      }
      return request('PUT', withDigest(location, blob.digest))
    },

    mount: (image, digest, from) =>
      request('POST', `/v2/${image}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`),

    pushManifest: (image, manifest, reference = manifest.digest) =>
      request('PUT', `/v2/${image}/manifests/${reference}`, {
        body: manifest.bytes,
        headers: { 'content-type': manifest.mediaType },
      }),

    async pushImage(image, { manifest, config, layers }, reference) {
      for (const blob of [...layers, config]) await expectStatus(await client.pushBlob(image, blob), 201)
      await expectStatus(await client.pushManifest(image, manifest, reference), 201)
    },

    async pullManifest(image, reference) {
      const response = await request('GET', `/v2/${image}/manifests/${reference}`, {
        headers: { accept: Object.values(mediaTypes).join(', ') },
      })
      if (response.status === 404) return undefined
      await expectStatus(response, 200)
      const bytes = new Uint8Array(await response.arrayBuffer())
      const digest = reference.includes(':') ? reference : (response.headers.get('docker-content-digest') ?? '')
      const algorithm = digest.startsWith('sha512:') ? 'sha512' : 'sha256'
      if (digestOf(bytes, algorithm) !== digest) throw new Error(`${image}:${reference} is not what ${digest} says`)
      return { bytes, digest, mediaType: response.headers.get('content-type') ?? '' }
    },

    async verifyBlob(image, digest) {
      const response = await request('GET', `/v2/${image}/blobs/${digest}`)
      if (response.status === 404) return undefined
      await expectStatus(response, 200)
      const [algorithm = '', wanted] = digest.split(':')
      const hash = createHash(algorithm)
      let size = 0
      for await (const chunk of response.body ?? []) {
        hash.update(chunk)
        size += chunk.length
      }
      const got = hash.digest('hex')
      if (got !== wanted) throw new Error(`blob ${digest} of ${image} came as ${algorithm}:${got}, ${size} bytes`)
      return size
    },

    async verifyImage(image, { manifest, config, layers }, reference = manifest.digest) {
      const found = await client.pullManifest(image, reference)
      if (found?.digest !== manifest.digest)
        throw new Error(`${image}@${reference} is ${found?.digest ?? 'absent'}, expected ${manifest.digest}`)
      for (const blob of [config, ...layers]) {
        const size = await client.verifyBlob(image, blob.digest)
        if (size !== blob.bytes.length) throw new Error(`blob ${blob.digest} of ${image} is ${size ?? 'absent'}`)
      }
    },

    async hasBlob(image, digest) {
      const response = await request('HEAD', `/v2/${image}/blobs/${digest}`)
      if (response.status === 404) return false
      await expectStatus(response, 200)
      return true
    },

    async tags(image) {
      const response = await expectStatus(await request('GET', `/v2/${image}/tags/list`), 200)
      return ((await response.json()) as { tags: string[] }).tags
    },

    delete: (image, kind, reference) => request('DELETE', `/v2/${image}/${kind}/${reference}`),
  }
  return client
}

/** Passes the response on when its status is one of those wanted. Throws with status and body otherwise. */
export async function expectStatus(response: Response, ...wanted: number[]): Promise<Response> {
  if (wanted.includes(response.status)) return response
  const body = (await response.text()).slice(0, 2000)
  throw new Error(`${response.url} answered ${response.status} instead of ${wanted.join(' or ')}: ${body}`)
}

/** The absolute URL of a response's `Location`. Throws when there is none. */
export function locationOf(response: Response): string {
  const location = response.headers.get('location')
  if (!location) throw new Error(`${response.url} answered ${response.status} without a Location`)
  return new URL(location, response.url).href
}

/** An upload's location with the digest that closes it added to the query, whatever is there already. */
export function withDigest(location: string, digest: string): string {
  const url = new URL(location)
  url.searchParams.set('digest', digest)
  return url.href
}
