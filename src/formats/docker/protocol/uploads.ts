import {
  algorithmOf,
  type Digest,
  type DigestAlgorithm,
  isAlgorithm,
  isDigest,
  parseDigest,
} from '../../../content/digest.ts'
import { type Chunk, type Upload, unknownUpload } from '../../../content/uploads.ts'
import { AppError } from '../../../errors.ts'
import type { Incoming } from '../../../http/incoming.ts'
import type { Principal } from '../../../identity/principal.ts'
import { scopesCover } from '../../../identity/tokens/scope.ts'
import type { Located } from '../../../repositories/repositories.ts'
import { isImageName } from '../images/names.ts'
import { placesOf } from '../images/places.ts'
import { mayDo } from '../images/targets.ts'
import { imageScope, insufficientScope } from './admit.ts'
import { type ImageCall, locationOf } from './call.ts'
import { listPrefix } from './visible.ts'

/** end-4a, end-4b, end-4c and end-11: starts an upload, unless the blob comes whole with the request or from another image. */
export async function startUpload(call: ImageCall): Promise<Response> {
  const { images, image, incoming } = call
  const { query } = incoming
  const mounted = await mountBlob(call)
  if (mounted) return blobCreated(call, mounted)
  const whole = query.get('digest')
  const digest = whole === null ? undefined : parseDigest(whole)
  const upload = await images.startUpload(image, digest ? algorithmOf(digest) : wantedAlgorithm(query))
  if (!digest) return uploadAccepted(call, 202, upload.id, 0)
  try {
    await images.finishUpload(upload, digest, chunkOf(incoming))
  } catch (error) {
    // Nobody was told of this upload, so nobody can go on with it. Should this fail too, it is purged later.
    await images.cancelUpload(upload).catch(() => undefined)
    throw error
  }
  return blobCreated(call, digest)
}

/** end-5. Chunks with a Content-Range come in order; without one the bytes follow what is there. */
export async function appendUpload(call: ImageCall): Promise<Response> {
  const upload = await findUpload(call)
  try {
    const size = await call.images.appendUpload(upload, chunkOf(call.incoming))
    return uploadAccepted(call, 202, upload.id, size)
  } catch (error) {
    throw withProgress(call, upload, error)
  }
}

/** end-6: the last chunk, or the only one, or none. */
export async function finishUpload(call: ImageCall): Promise<Response> {
  const { images, incoming } = call
  const upload = await findUpload(call)
  const digest = parseDigest(incoming.query.get('digest') ?? '')
  try {
    await images.finishUpload(upload, digest, chunkOf(incoming))
  } catch (error) {
    throw withProgress(call, upload, error)
  }
  return blobCreated(call, digest)
}

/** end-13: how far the upload is. */
export async function getUpload(call: ImageCall): Promise<Response> {
  const upload = await findUpload(call)
  return uploadAccepted(call, 204, upload.id, upload.size)
}

/** end-14. */
export async function cancelUpload(call: ImageCall): Promise<Response> {
  const upload = await findUpload(call)
  await call.images.cancelUpload(upload)
  return new Response(null, { status: 204, headers: { 'docker-upload-uuid': upload.id } })
}

const uploadId = /^[0-9a-f-]{36}$/

async function findUpload({ images, image, reference }: ImageCall): Promise<Upload> {
  const upload = uploadId.test(reference) ? await images.findUpload(image, reference) : undefined
  if (!upload) throw unknownUpload()
  return upload
}

/**
 * Who may not pull the source, or names none that has the blob, is told to upload, never that it exists. Who might pull it with another token is told which: clients
 * then get one for both images. Where no source is named, one is looked for among the images that the token is for.
 */
async function mountBlob(call: ImageCall): Promise<Digest | undefined> {
  const { incoming, parts, principal, images, image, repository } = call
  const digest = incoming.query.get('mount')
  if (digest === null || !isDigest(digest)) return undefined
  const { repositories } = parts
  const from = incoming.query.get('from')
  for (const located of await mountSources(from, digest)) {
    if (located.repository.offline !== undefined) continue
    if (!mayDo(parts, principal, 'pull', located)) continue
    if (!tokenAllows(principal, located.names)) {
      if (from === null) continue
      throw insufficientScope(parts, incoming, `${imageScope(call.name, 'push')} ${imageScope(from, 'pull')}`)
    }
    for (const { repositoryId, ...place } of placesOf(located.repository, located.image, repositories))
      if (await images.mountBlob(image, { repository: repositoryId, ...place }, digest)) return digest
  }
  return undefined

  /** With the names by which clients may call each. */
  async function mountSources(named: string | null, wanted: Digest): Promise<MountSource[]> {
    if (named !== null) return isImageName(named) ? [{ ...repositories.locate(named), names: [named] }] : []
    const holders = await parts.blobs.holders(repository.store, wanted, 20)
    return holders.flatMap((holder) => {
      const found = repositories.named(holder.repository)
      if (!found) return []
      const names = [`${found.name}/${holder.image}`, listPrefix(repositories, found) + holder.image]
      return [{ repository: found, image: holder.image, names }]
    })
  }
}

interface MountSource extends Omit<Located, 'by'> {
  names: string[]
}

/** A token is good for the images it was issued for, as a source of a mount as well. */
function tokenAllows({ scopes }: Principal, names: string[]): boolean {
  return (
    scopes === undefined || names.some((name) => scopesCover(scopes, { type: 'repository', name, actions: ['pull'] }))
  )
}

function wantedAlgorithm(query: URLSearchParams): DigestAlgorithm {
  const algorithm = query.get('digest-algorithm') ?? 'sha256'
  if (isAlgorithm(algorithm)) return algorithm
  throw new AppError('digest-invalid', 'supported digest algorithms: sha256, sha512', { detail: { algorithm } })
}

/** The forms of Content-Range that clients send: the spec's `0-9`, and `bytes 0-9/*`, `bytes=0-9` from Docker's old documentation. */
const contentRange = /^(?:bytes[ =])?(\d{1,16})-(\d{1,16})(?:\/.*)?$/

function chunkOf(incoming: Incoming): Chunk {
  const { headers, signal } = incoming
  const announced = headers.get('content-length')
  const given = headers.get('content-range')
  if (announced === '0') return { signal }
  const chunk = { bytes: incoming.body(), signal }
  if (given === null) return chunk
  const [, first, last] = contentRange.exec(given) ?? []
  if (first === undefined || last === undefined || Number(last) < Number(first)) {
    throw new AppError('range-invalid', 'Content-Range of a chunk is <first byte>-<last byte>', {
      detail: { range: given },
    })
  }
  const range = { start: Number(first), length: Number(last) - Number(first) + 1 }
  if (announced !== null && Number(announced) !== range.length) {
    throw new AppError('size-invalid', 'Content-Range and Content-Length say different lengths', {
      detail: { range: given, length: announced },
    })
  }
  return { ...chunk, range }
}

function uploadAccepted(call: ImageCall, status: number, id: string, size: number): Response {
  return new Response(null, {
    status,
    headers: {
      location: uploadLocation(call, id),
      // Docker reads the layer's size from it and cannot read an empty range: nothing is said as one byte is.
      range: `0-${Math.max(size - 1, 0)}`,
      'docker-upload-uuid': id,
      ...(status === 204 ? {} : { 'content-length': '0' }),
    },
  })
}

function uploadLocation(call: ImageCall, id: string): string {
  return locationOf(call, `/v2/${call.name}/blobs/uploads/${id}`)
}

/** A chunk out of order leaves the upload as it was: the answer says where to go on. With no bytes there is no range that says so. */
function withProgress(call: ImageCall, { id, size }: Upload, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'range-invalid') return error
  error.headers['location'] = uploadLocation(call, id)
  if (size > 0) error.headers['range'] ??= `0-${size - 1}`
  return error
}

function blobCreated(call: ImageCall, digest: Digest): Response {
  return new Response(null, {
    status: 201,
    headers: {
      location: locationOf(call, `/v2/${call.name}/blobs/${digest}`),
      'docker-content-digest': digest,
      'content-length': '0',
    },
  })
}
