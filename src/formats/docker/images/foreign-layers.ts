import type { Place } from '../../../content/content.ts'
import type { Digest } from '../../../content/digest.ts'
import type { Database } from '../../../database/database.ts'
import { manifestsNeeding } from '../../../database/manifests.ts'
import type { Foreign, ForeignLayer } from '../../../upstream/foreign.ts'
import type { Source } from './downloads.ts'

/** Finds layers that the cached manifests of an image say live elsewhere. */
export type ForeignLayers = ReturnType<typeof createForeignLayers>

export function createForeignLayers(db: Database, foreign: Foreign) {
  async function find({ repositoryId, image }: Place, digest: Digest): Promise<ForeignLayer | undefined> {
    for (const bytes of await manifestsNeeding(db.queries, repositoryId, image, digest)) {
      const layer = layersOf(bytes).find((one) => one.digest === digest && one.urls.length > 0)
      if (layer) return layer
    }
    return undefined
  }

  return {
    find,
    /** Undefined: no manifest says so, or it is not there. */
    async open(place: Place, digest: Digest, signal: AbortSignal): Promise<Source | undefined> {
      const layer = await find(place, digest)
      const found = layer && (await foreign(layer, signal))
      return found && { name: new URL(layer.urls[0]!).host, ...found }
    },
  }
}

/** The manifest was checked when it was stored; `urls` were not. */
function layersOf(bytes: Uint8Array): (ForeignLayer & { digest: unknown })[] {
  const { layers = [] } = JSON.parse(new TextDecoder().decode(bytes)) as { layers?: Record<string, unknown>[] | null }
  return (layers ?? []).map(({ digest, size, urls }) => ({
    digest,
    size: size as number,
    urls: Array.isArray(urls) ? urls.filter((url) => typeof url === 'string' && /^https?:\/\//i.test(url)) : [],
  }))
}
