import { parseDigest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import { objectResponse } from '../../../http/file-body.ts'
import type { ImageCall } from './call.ts'
import { matchesEtag } from './etag.ts'
import { noted } from './proxied.ts'

/** A blob never changes: caches may keep it for a year. */
const cacheControl = 'max-age=31536000'

/** end-2. GET and HEAD. A HEAD is what a push asks before it skips an upload, so it renews the lease of the blob. */
export async function getBlob({ incoming, images, image, reference }: ImageCall): Promise<Response> {
  const digest = parseDigest(reference)
  const blob = await images.blob(image, digest, { renew: incoming.method === 'HEAD' })
  if (!blob) throw new AppError('blob-unknown', 'this image has no such blob', { detail: { digest } })
  const headers = new Headers([
    ['content-type', 'application/octet-stream'],
    ['docker-content-digest', digest],
    ['etag', `"${digest}"`],
    ['cache-control', cacheControl],
  ])
  if (matchesEtag(incoming, digest)) return noted(incoming, blob.proxied, new Response(null, { status: 304, headers }))
  return noted(incoming, blob.proxied, await objectResponse(incoming, blob, headers))
}

/** end-10. */
export async function deleteBlob({ images, image, reference }: ImageCall): Promise<Response> {
  const digest = parseDigest(reference)
  if (!(await images.deleteBlob(image, digest))) {
    throw new AppError('blob-unknown', 'this image has no such blob', { detail: { digest } })
  }
  return new Response(null, { status: 202, headers: { 'docker-content-digest': digest } })
}
