import type { Principal } from '../../../identity/principal.ts'
import type { HitKind, IndexHit } from '../images/image-source.ts'
import type { ProtocolParts } from './call.ts'
import { isVisible, listPrefix, visibleEntries } from './visible.ts'

/** One result of a search, by the name it can be pulled by. */
export interface Result {
  name: string
  description: string
  stars: number
  official: boolean
  automated: boolean
}

type Parts = Pick<ProtocolParts, 'repositories' | 'imagesOf' | 'decide' | 'reachOf'>

/** In this order in the results. */
const kinds: HitKind[] = ['hosted', 'cached']

/**
 * What the principal may pull and whose name contains the term: pushed images first, then those kept of upstreams, then what the indexes of upstreams
 * find. Within each kind those of the default repository come first. An image that can be pulled by several names is told by the first of them.
 * At most `wanted`; the indexes are asked only when there are fewer without them.
 */
export async function searchAll(parts: Parts, principal: Principal, term: string, wanted: number): Promise<Result[]> {
  const { repositories, imagesOf } = parts
  const all = [repositories.default, ...repositories.all().filter((one) => one !== repositories.default)]
  const ordered = all.filter(({ offline }) => offline === undefined)
  const byName = new Map<string, Result>()
  /** By repository and image, whatever name they are told by. */
  const byPlace = new Map<string, Result>()
  const add = (place: string, result: Result) => {
    if (byName.has(result.name) || byPlace.has(place)) return
    byPlace.set(place, result)
    byName.set(result.name, result)
  }

  for (const kind of kinds)
    for (const repository of ordered) {
      if (byName.size >= wanted) break
      const images = imagesOf(repository)
      const list = visibleEntries(
        parts,
        principal,
        repository,
        (page) => images.search(term, page, kind),
        ({ name }) => name,
        { last: '', limit: wanted },
      )
      for (const { name, from } of await list)
        add(`${from} ${name}`, { name: listPrefix(repositories, repository) + name, ...nothingKnown })
    }

  if (byName.size >= wanted) return [...byName.values()].slice(0, wanted)
  const found = await Promise.all(ordered.map((repository) => imagesOf(repository).searchIndex(term)))
  for (const [index, repository] of ordered.entries()) {
    const visible = isVisible(parts, principal, repository)
    for (const { name, canonical, from, ...told } of found[index] as IndexHit[]) {
      if (!visible(name)) continue
      const place = `${from} ${canonical}`
      const known = byPlace.get(place)
      // What is kept of the image is told of by the index, too.
      if (known) Object.assign(known, told)
      else add(place, { name: listPrefix(repositories, repository) + name, ...told })
    }
  }
  return [...byName.values()].slice(0, wanted)
}

const nothingKnown = { description: '', stars: 0, official: false, automated: false }
