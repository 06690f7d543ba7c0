import { algorithmOf } from '../../../content/digest.ts'
import type { StoredManifest } from '../../../database/manifests.ts'
import { AppError } from '../../../errors.ts'
import { manifestDigest, parseManifest } from '../images/manifest.ts'
import { isTag, parseReference, parseTag, type Reference } from '../images/names.ts'
import { type ImageCall, locationOf } from './call.ts'
import { matchesEtag } from './etag.ts'
import { noted } from './proxied.ts'

/** distribution-spec, "Pushing Manifests": registries should accept at least 4 MiB; nobody sends more. */
const maxBytes = 4 * 1024 * 1024

/** Tags in one `PUT ...?tag=a&tag=b`; each comes back in a header, and clients read a limited amount of those. */
const maxTags = 100

/** end-3. GET and HEAD. What was pushed is what is answered: `Accept` is not asked, nothing is converted. */
export function getManifest(call: ImageCall): Response | Promise<Response> {
  const wanted = readableReference(call.reference)
  const found = wanted && call.images.manifest(call.image, wanted, { toPush: isBeforePush(call) })
  return found instanceof Promise ? found.then((one) => answerWith(call, one)) : answerWith(call, found)
}

function answerWith(call: ImageCall, manifest: StoredManifest | undefined): Response | Promise<Response> {
  if (!manifest) return refuseUnknown(call)
  const { incoming } = call
  const { digest, content, proxied } = manifest
  if (matchesEtag(incoming, digest)) {
    const unchanged = { status: 304, headers: { 'docker-content-digest': digest, etag: `"${digest}"` } }
    return noted(incoming, proxied, new Response(null, unchanged))
  }
  const body = incoming.method === 'HEAD' ? null : (content as Uint8Array<ArrayBuffer>)
  return noted(incoming, proxied, new Response(body, { headers: headersFor(manifest) }))
}

/** For as long as the manifest is in memory: making them takes longer than answering with them. Each answer has a copy of its own. */
const keptHeaders = new WeakMap<StoredManifest, Headers>()

function headersFor(manifest: StoredManifest): Headers {
  const kept = keptHeaders.get(manifest)
  if (kept) return kept
  const { digest, mediaType, content, warning, proxied } = manifest
  const headers = new Headers({
    'content-type': mediaType,
    'content-length': String(content.length),
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    // RFC 7234, 5.5.1.
    ...(warning && { warning: `110 - "${warning.replace(/[^\x20-\x7e]|["\\]/g, "'")}"` }),
  })
  if (!proxied) keptHeaders.set(manifest, headers)
  return headers
}

/**
 * Whether somebody who may push asks, as containerd and BuildKit do before they push a manifest: by HEAD, for the one type that they are about to send and
 * for anything else. Who pulls does not know the type yet and names several. Any answer but 200 and 404 would end the push.
 */
function isBeforePush({ incoming, parts, principal, repository, image }: ImageCall): boolean {
  if (incoming.method !== 'HEAD') return false
  if (!/^\s*application\/[^\s,;]+\s*,\s*\*\/\*\s*$/.test(incoming.headers.get('accept') ?? '')) return false
  return parts.decide(principal, 'push', { repository: repository.name, image })
}

/** A tag that cannot exist is answered as one that does not; a digest that is none is an error. */
function readableReference(text: string): Reference | undefined {
  return text.includes(':') || isTag(text) ? parseReference(text) : undefined
}

async function refuseUnknown(call: ImageCall): Promise<never> {
  throw await unknownManifest(call)
}

async function unknownManifest({
  repository,
  images,
  image,
  reference,
}: Pick<ImageCall, 'repository' | 'images' | 'image' | 'reference'>) {
  // Elsewhere it would take another question to an upstream to tell the two apart.
  if (repository.type !== 'hosted')
    return new AppError('manifest-unknown', 'there is no such manifest', { detail: { reference } })
  const known = await images.tags(image, { last: '', limit: 1 })
  if (!known) return new AppError('image-unknown', 'there is no such image', { detail: { name: image } })
  return new AppError('manifest-unknown', 'this image has no such manifest', { detail: { reference } })
}

/** end-7a and end-7b: by tag, or by digest with any number of `?tag=`. */
export async function putManifest(call: ImageCall): Promise<Response> {
  const { incoming, images, image, name } = call
  const reference = parseReference(call.reference)
  const extraTags = tagParameters(call)
  const tags = reference.tag === undefined ? extraTags : [...new Set([reference.tag, ...extraTags])]
  const bytes = await incoming.bodyWhole(
    maxBytes,
    () => new AppError('manifest-too-large', `a manifest may have at most ${maxBytes} bytes`),
  )
  const manifest = parseManifest(bytes, incoming.headers.get('content-type'))
  const digest = manifestDigest(manifest, reference.digest ? algorithmOf(reference.digest) : 'sha256')
  if (reference.digest && reference.digest !== digest) {
    throw new AppError('digest-invalid', 'the manifest that arrived has another digest', {
      detail: { expected: reference.digest, received: digest },
    })
  }
  await images.putManifest(image, manifest, digest, tags)
  const headers = new Headers({
    location: locationOf(call, `/v2/${name}/manifests/${digest}`),
    'docker-content-digest': digest,
    'content-length': '0',
  })
  if (manifest.subject) headers.set('oci-subject', manifest.subject)
  for (const tag of extraTags) headers.append('oci-tag', tag)
  return new Response(null, { status: 201, headers })
}

function tagParameters({ incoming }: ImageCall): string[] {
  const tags = [...new Set(incoming.query.getAll('tag').map(parseTag))]
  if (tags.length <= maxTags) return tags
  throw new AppError('request-invalid', `at most ${maxTags} tags can be pushed with one manifest`, {
    detail: { tags: tags.length },
  })
}

/** end-9: a tag alone, or a manifest with all its tags. */
export async function deleteManifest({ repository, images, image, reference }: ImageCall): Promise<Response> {
  const { digest, tag } = parseReference(reference)
  const deleted = digest === undefined ? await images.deleteTag(image, tag) : await images.deleteManifest(image, digest)
  if (!deleted) throw await unknownManifest({ repository, images, image, reference })
  return new Response(null, { status: 202 })
}
