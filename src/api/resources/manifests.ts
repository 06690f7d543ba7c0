import { z } from '@hono/zod-openapi'
import { isDigest } from '../../content/digest.ts'
import { tagsOfManifest } from '../../database/browse.ts'
import type { StoredManifest } from '../../database/manifests.ts'
import { AppError } from '../../errors.ts'
import type { Images } from '../../formats/docker/images/image-source.ts'
import { parseManifest } from '../../formats/docker/images/manifest.ts'
import { parseReference } from '../../formats/docker/images/names.ts'
import type { ApiParts } from '../api.ts'
import { DescriptorSchema, decodeImageConfig, decodeManifest, ImageConfigSchema, PlatformSchema } from '../decoded.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { imageInRepository, imageParams } from '../in-repository.ts'

const ManifestSchema = z
  .object({
    digest: z.string(),
    mediaType: z.string(),
    size: z.number(),
    kind: z.enum(['image', 'index', 'artifact']),
    artifactType: z.string().optional(),
    /** Bytes of config and layers together. */
    contentSize: z.number(),
    tags: z.array(z.string()),
    annotations: z.record(z.string(), z.string()),
    platforms: z.array(PlatformSchema),
    layers: z.array(DescriptorSchema),
    config: DescriptorSchema.optional(),
    image: ImageConfigSchema.optional(),
    subject: DescriptorSchema.optional(),
    referrers: z.array(DescriptorSchema.extend({ artifactType: z.string().optional() })),
  })
  .openapi('Manifest')

const params = imageParams.extend({ reference: z.string().max(300).openapi({ description: 'a tag or a digest' }) })
const path = '/repositories/{repository}/images/{image}/manifests/{reference}'
/** Configs of images have some kilobytes. Larger ones are something else. */
const longestConfig = 4 * 1024 * 1024
const mostReferrers = 100

/** Manifests as people read them. Asks no upstream: what is not cached is not there. */
export function addManifests(api: Api, parts: ApiParts): void {
  const { db, decide } = parts

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path,
      tag: 'manifests',
      summary: 'A manifest, decoded: platforms, layers, config, history, referrers',
      access: 'anyone',
      request: { params },
      answer: ManifestSchema,
      also: { 404: 'there is no such manifest' },
    },
    async ({ params: given, caller }) => {
      const { repository, images, image } = imageInRepository(parts, caller, 'pull', given)
      const { digest, mediaType, content } = await manifestOf(images, image, given.reference)
      const decoded = decodeManifest(content, mediaType)
      const page = { last: '', limit: mostReferrers }
      const { referrers } = isDigest(digest) ? await images.referrers(image, digest, page, []) : { referrers: [] }
      const config = decoded.kind === 'image' ? await configOf(images, image, decoded.config) : undefined
      return {
        ...decoded,
        digest,
        mediaType,
        size: content.length,
        tags: repository.type === 'group' ? [] : await tagsOfManifest(db.queries, repository.id, image, digest),
        referrers: referrers.map((one) => ({ ...one, annotations: one.annotations ?? {} })),
        ...(config && { image: config }),
      }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path,
      tag: 'manifests',
      summary: 'Deletes a manifest by digest, with all tags that point to it',
      access: 'anyone',
      request: { params },
      also: { 404: 'there is no such manifest', 405: 'nothing can be deleted there' },
    },
    async ({ params: given, caller, incoming }) => {
      const { images, image } = imageInRepository(parts, caller, 'delete', given)
      if (!isDigest(given.reference))
        throw new AppError('digest-invalid', 'a manifest is deleted by its digest; DELETE .../tags/{tag} deletes a tag')
      if (!(await images.deleteManifest(image, given.reference))) throw unknown(image, given.reference)
      parts.tellChange(incoming, caller, 'manifest.delete', given.repository, `${image}@${given.reference}`)
      return undefined
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'put',
      path: '/repositories/{repository}/images/{image}/tags/{tag}',
      tag: 'tags',
      summary: 'Points a tag to a manifest that is there: adds a tag, or sets one back',
      access: 'anyone',
      request: {
        params: imageParams.extend({ tag: z.string().max(128) }),
        body: z.object({ digest: z.string().max(300) }).openapi('TagTarget'),
      },
      also: { 404: 'there is no such manifest', 405: 'nothing can be pushed there' },
    },
    async ({ params: given, body, caller, incoming }) => {
      const { images, image } = imageInRepository(parts, caller, 'push', given)
      const { digest, content, mediaType } = await manifestOf(images, image, body.digest)
      const reference = parseReference(given.tag)
      if (reference.tag === undefined || !isDigest(digest))
        throw new AppError('tag-invalid', `${given.tag} is not a tag`)
      await images.putManifest(image, parseManifest(content, mediaType), digest, [reference.tag])
      parts.tellChange(incoming, caller, 'manifest.push', given.repository, `${image}:${given.tag}`, { digest })
      return undefined
    },
  )
}

async function manifestOf(images: Images, image: string, reference: string): Promise<StoredManifest> {
  const found = await images.manifest(image, parseReference(reference), { local: true })
  if (!found) throw unknown(image, reference)
  return found
}

/** The config blob of an image, decoded; undefined when it is not here or none. */
async function configOf(images: Images, image: string, config: { digest: string; size: number } | undefined) {
  if (!config || !isDigest(config.digest) || config.size > longestConfig) return undefined
  const blob = await images.blob(image, config.digest, { local: true })
  if (!blob || blob.size > longestConfig) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of await blob.read()) chunks.push(Buffer.from(chunk))
  return decodeImageConfig(Buffer.concat(chunks))
}

function unknown(image: string, reference: string): AppError {
  return new AppError('manifest-unknown', `there is no ${image}${isDigest(reference) ? '@' : ':'}${reference} here`)
}
