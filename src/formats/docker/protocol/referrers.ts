import { parseDigest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import { mediaTypes } from '../images/manifest.ts'
import type { ImageCall } from './call.ts'
import { jsonResponse } from './json.ts'
import { nextLink, pageOf } from './pages.ts'

const maxPage = 1000

/** end-12. An image or subject that does not exist has no referrers, which is an empty list. */
export async function listReferrers(call: ImageCall): Promise<Response> {
  const { incoming, images, image, name, reference } = call
  const subject = parseDigest(reference)
  const artifactTypes = incoming.query.getAll('artifactType').filter((type) => type !== '')
  if (artifactTypes.some((type) => type.includes('\0'))) throw new AppError('request-invalid', 'artifactType is none')
  const page = pageOf(call, maxPage)
  const { referrers, more } = await images.referrers(image, subject, page, artifactTypes)
  const headers: Record<string, string> = { 'content-type': mediaTypes.ociIndex }
  if (artifactTypes.length > 0) headers['oci-filters-applied'] = 'artifactType'
  const last = referrers.at(-1)?.digest
  if (more && last !== undefined) {
    const filters = artifactTypes.map((type): [string, string] => ['artifactType', type])
    headers['link'] = nextLink(call, `/v2/${name}/referrers/${subject}`, { limit: page.limit, last }, filters)
  }
  return jsonResponse({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: referrers }, { headers })
}
