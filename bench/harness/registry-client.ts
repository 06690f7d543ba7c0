import { type Blob, manifestType } from './content.ts'

/** One request over a kept connection. Throws when the status is none of `expected`, naming the request and the answer's body. */
export async function request(
  method: string,
  url: string,
  expected: readonly number[],
  options: { body?: Buffer<ArrayBuffer>; headers?: Record<string, string> } = {},
): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: options.headers ?? {},
    redirect: 'manual',
    ...(options.body && { body: options.body }),
  })
  if (expected.includes(response.status)) return response
  throw new Error(`${method} ${url} answered ${response.status}: ${(await response.text()).slice(0, 500)}`)
}

/** Where an answer's `Location` points, with query parameters added. Throws when there is none. */
export function locationOf(response: Response, base: string, parameters: Record<string, string> = {}): string {
  const location = response.headers.get('location')
  if (!location) throw new Error(`the answer from ${base} has no Location`)
  const url = new URL(location, base)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** Starts an upload and answers its address. */
export async function startUpload(url: string, image: string): Promise<string> {
  const response = await request('POST', `${url}/v2/${image}/blobs/uploads/`, [202])
  await response.arrayBuffer()
  return locationOf(response, url)
}

/** Pushes a blob in one PUT. */
export async function pushBlob(url: string, image: string, blob: Blob): Promise<void> {
  const upload = new URL(await startUpload(url, image))
  upload.searchParams.set('digest', blob.digest)
  await finish(await request('PUT', upload.href, [201], { body: blob.bytes, headers: octets }))
}

/** Takes a blob over from another image, or pushes it when the registry declines. */
export async function mountBlob(url: string, image: string, blob: Blob, from: string): Promise<void> {
  const query = new URLSearchParams({ mount: blob.digest, from })
  const response = await request('POST', `${url}/v2/${image}/blobs/uploads/?${query}`, [201, 202])
  await response.arrayBuffer()
  if (response.status === 202) await pushBlob(url, image, blob)
}

/** Puts a manifest under one reference (its digest when none is given), or under many tags at once by `?tag=`. */
export async function putManifest(
  url: string,
  image: string,
  manifest: Blob,
  { reference = manifest.digest, tags = [] }: { reference?: string; tags?: readonly string[] },
): Promise<void> {
  const query = tags.length > 0 ? `?${new URLSearchParams(tags.map((tag) => ['tag', tag]))}` : ''
  const headers = { 'content-type': manifestType }
  const address = `${url}/v2/${image}/manifests/${reference}${query}`
  await finish(await request('PUT', address, [201], { body: manifest.bytes, headers }))
}

/** Runs `work` over all items, `workers` at a time. The first failure stops the rest from starting and is thrown. */
export async function inParallel<Item>(items: readonly Item[], workers: number, work: (item: Item) => Promise<void>) {
  const queue = items.values()
  let failed = false
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of queue) {
        if (failed) return
        await work(item).catch((error) => {
          failed = true
          throw error
        })
      }
    }),
  )
}

/** The type of a blob's body in an upload. */
export const octets = { 'content-type': 'application/octet-stream' }

/** Reads an answer's (empty) body, so that its connection is kept. */
export async function finish(response: Response): Promise<void> {
  await response.arrayBuffer()
}
