import { z } from '@hono/zod-openapi'
import { listTagDetails, tagHistory } from '../../database/browse.ts'
import { AppError } from '../../errors.ts'
import type { Images, Page } from '../../formats/docker/images/image-source.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'
import { imageInRepository, imageParams } from '../in-repository.ts'
import { linkToNext, pageOf } from '../pages.ts'

const TagSchema = z
  .object({ name: z.string(), digest: z.string(), mediaType: z.string(), updatedAt: z.iso.datetime().nullable() })
  .openapi('Tag')
const ChangeSchema = z
  .object({
    id: z.number().int(),
    digest: z.string().nullable().openapi({ description: 'null: the tag was deleted' }),
    at: z.iso.datetime(),
    kept: z.boolean().openapi({ description: 'the manifest is still there, and the tag can be set back to it' }),
  })
  .openapi('TagChange')

const tagParams = imageParams.extend({ tag: z.string().max(128) })
const path = '/repositories/{repository}/images/{image}/tags'

/** The tags of an image: list, history, deletion, and setting one back to what it was. */
export function addTags(api: Api, parts: ApiParts): void {
  const { db, decide } = parts

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path,
      tag: 'tags',
      summary: 'Tags of an image',
      access: 'anyone',
      request: {
        params: imageParams,
        query: z.object({ ...pageOf(100, 1000), search: z.string().max(128).default('') }),
      },
      answer: z.array(TagSchema),
      also: { 404: 'there is no such image' },
    },
    async ({ params, query: { limit, after = '', search }, caller, incoming, header }) => {
      const { repository, images, image } = imageInRepository(parts, caller, 'pull', params)
      const page = { last: after, limit: limit + 1 }
      const rows =
        repository.type === 'group'
          ? await tagsThrough(images, image, search, page)
          : await listTagDetails(db.queries, { repositoryId: repository.id, image, search }, page)
      linkToNext(incoming, header, rows.length > limit ? rows[limit - 1]?.name : undefined)
      return rows.slice(0, limit).map(({ updatedAt, ...tag }) => ({
        ...tag,
        updatedAt: updatedAt === null ? null : new Date(updatedAt).toISOString(),
      }))
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'delete',
      path: `${path}/{tag}`,
      tag: 'tags',
      summary: 'Deletes a tag; its manifest stays',
      access: 'anyone',
      request: { params: tagParams },
      also: { 404: 'there is no such tag', 405: 'nothing can be deleted there' },
    },
    async ({ params, caller, incoming }) => {
      const { images, image } = imageInRepository(parts, caller, 'delete', params)
      if (!(await images.deleteTag(image, params.tag)))
        throw new AppError('manifest-unknown', `there is no tag ${params.tag}`)
      parts.tellChange(incoming, caller, 'manifest.delete', params.repository, `${image}:${params.tag}`)
      return undefined
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: `${path}/{tag}/history`,
      tag: 'tags',
      summary: 'What a tag pointed to, the newest first',
      access: 'anyone',
      request: { params: tagParams, query: z.object(pageOf(50, 500)) },
      answer: z.array(ChangeSchema),
    },
    async ({ params, query: { limit, after }, caller, incoming, header }) => {
      const { repository, image } = imageInRepository(parts, caller, 'pull', params)
      const before = after === undefined ? undefined : Number(after)
      const scope = { repositoryId: repository.id, image, tag: params.tag }
      const rows = await tagHistory(db.queries, scope, { before, limit })
      linkToNext(incoming, header, rows.length === limit ? rows.at(-1)?.id : undefined)
      return rows.map(({ at, isKept, ...row }) => ({ ...row, at: new Date(at).toISOString(), kept: isKept }))
    },
  )
}

/** Pages that are looked through for tags with a text in them. */
const mostPages = 20
const largestPage = 1000

/** Of a group the members are asked, for what is here already. */
async function tagsThrough(images: Images, image: string, search: string, { last, limit }: Page) {
  const names: string[] = []
  let after: string | undefined = last
  for (let page = 0; after !== undefined && names.length < limit && page < mostPages; page += 1) {
    const size: number = search === '' ? limit : largestPage
    const found: string[] | undefined = await images.tags(image, { last: after, limit: size })
    if (found === undefined) throw new AppError('image-unknown', `there is no image ${image}`)
    names.push(...found.filter((name) => name.includes(search)))
    after = found.length >= size ? found.at(-1) : undefined
  }
  return Promise.all(
    names.slice(0, limit).map(async (name) => {
      const found = await images.manifest(image, { tag: name }, { local: true })
      return { name, digest: found?.digest ?? '', mediaType: found?.mediaType ?? '', updatedAt: null }
    }),
  )
}
