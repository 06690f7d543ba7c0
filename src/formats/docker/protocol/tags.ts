import { AppError } from '../../../errors.ts'
import type { ImageCall } from './call.ts'
import { pageOf, pageResponse } from './pages.ts'

/** end-8. */
export async function listTags(call: ImageCall): Promise<Response> {
  const { images, image, name, parts } = call
  const page = pageOf(call, parts.maxTags)
  const tags = await images.tags(image, { last: page.last, limit: page.limit + 1 })
  if (!tags) throw new AppError('image-unknown', 'there is no such image', { detail: { name } })
  return pageResponse(call, `/v2/${name}/tags/list`, page, tags, (entries) => ({ name, tags: entries }))
}
