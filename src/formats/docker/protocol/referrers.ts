import { parseDigest } from '../../../content/digest.ts'
import { mediaTypes } from '../images/manifest.ts'
import type { ImageCall } from './call.ts'
import { nextLink, pageOf } from './pages.ts'

const maxPage = 1000

/** end-12. An image or subject that does not exist has no referrers, which is an empty list. */
export async function listReferrers(call: ImageCall): Promise<Response> {
  const { incoming, images, image, name, reference } = call
  const subject = parseDigest(reference)
  const artifactTypes = incoming.query.getAll('artifactType').filter((type) => type !== '')
  const page = pageOf(call, maxPage)
  const { referrers, more } = await images.referrers(image, subject, page, artifactTypes)
  const headers = new Headers({ 'content-type': mediaTypes.ociIndex })
  if (artifactTypes.length > 0) headers.set('oci-filters-applied', 'artifactType')
  const last = referrers.at(-1)
  if (more && last) {
    const filter = artifactTypes.map((type) => `&artifactType=${encodeURIComponent(type)}`).join('')
    const next = nextLink(call, `/v2/${name}/referrers/${subject}`, { n: String(page.limit), last: last.digest })
    headers.set('link', next.replace('>', `${filter}>`))
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: referrers }
  const body = Buffer.from(JSON.stringify(index))
  headers.set('content-length', String(body.length))
  return new Response(body, { headers })
}
