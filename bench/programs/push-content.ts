import {
  acceptManifests,
  type Blob,
  configOf,
  imageName,
  manifestOf,
  referencedBlobs,
  referencedImage,
  referencesPerManifest,
  seedImage,
  taggedImage,
  tagName,
} from '../harness/content.ts'
import type { Content } from '../harness/program.ts'
import { inParallel, mountBlob, pushBlob, putManifest, request } from '../harness/registry-client.ts'

/** Tags in one request: 100 of 12 characters stay well under the 8 KB that servers commonly accept as a request line. */
const tagsPerRequest = 100

/** Fills a running registry through the protocol. Throws when the registry does not list or serve what was pushed. */
export async function pushContent(url: string, { kind, count }: Content): Promise<void> {
  if (kind === 'tags') return pushTags(url, count)
  if (kind === 'images') return pushImages(url, count)
  return pushReferences(url, count)
}

async function pushTags(url: string, count: number): Promise<void> {
  const config = configOf('tagged')
  await pushBlob(url, taggedImage, config)
  const manifest = manifestOf(config, [])
  const batches = Array.from({ length: Math.ceil(count / tagsPerRequest) }, (_, batch) =>
    Array.from({ length: Math.min(tagsPerRequest, count - batch * tagsPerRequest) }, (_, index) =>
      tagName(batch * tagsPerRequest + index),
    ),
  )
  // `?tag=` is a draft of the specification: a registry that ignores it gets one request for each tag instead.
  const [first = [], ...others] = batches
  await putManifest(url, taggedImage, manifest, { tags: first })
  const known = (await headTag(url, first.at(-1)!, [200, 404])).status === 200
  if (known) {
    await inParallel(others, 4, (tags) => putManifest(url, taggedImage, manifest, { tags }))
  } else {
    await inParallel(batches.flat(), 16, (tag) => putManifest(url, taggedImage, manifest, { reference: tag }))
  }
  await headTag(url, tagName(count - 1), [200])
}

function headTag(url: string, tag: string, expected: number[]): Promise<Response> {
  const headers = { accept: acceptManifests }
  return request('HEAD', `${url}/v2/${taggedImage}/manifests/${tag}`, expected, { headers })
}

async function pushImages(url: string, count: number): Promise<void> {
  const config = configOf('seed')
  await pushBlob(url, seedImage, config)
  const manifest = manifestOf(config, [])
  const images = Array.from({ length: count }, (_, index) => imageName(index))
  await inParallel(images, 16, async (image) => {
    await mountBlob(url, image, config, seedImage)
    await putManifest(url, image, manifest, { reference: 'latest' })
  })
}

async function pushReferences(url: string, count: number): Promise<void> {
  const [config, ...layers] = referencedBlobs()
  await inParallel([config!, ...layers], 8, (blob: Blob) => pushBlob(url, referencedImage, blob))
  const indices = Array.from({ length: Math.ceil(count / referencesPerManifest) }, (_, index) => index)
  await inParallel(indices, 8, (index) =>
    putManifest(url, referencedImage, manifestOf(config!, layers, { index: String(index) }), {
      reference: tagName(index),
    }),
  )
}
