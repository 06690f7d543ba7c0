import type { Digest } from '../../../content/digest.ts'
import { membersOf } from '../../../repositories/members.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Log } from '../../../telemetry/log.ts'
import { mergePages, mergeReferrersPages, readWanted } from './group-lists.ts'
import { createGroupMemory } from './group-memory.ts'
import { createGroupSink } from './group-sink.ts'
import { collectTroubles, firstInOrder, patience, type Source, type Troubles } from './group-walk.ts'
import type { Images, LookOptions, Page } from './image-source.ts'
import type { Reference } from './names.ts'

export interface GroupParts {
  repositories: Pick<Repositories, 'named'>
  /** The images of a member. */
  imagesOf: (repository: Repository) => Images
  now: () => number
  log: Log
}

/** Makes the images of groups: what their members have, as one. */
export function createGroupImages({ repositories, imagesOf, now, log }: GroupParts) {
  return function groupImages(group: Repository): Images {
    const memory = createGroupMemory(now)
    const isWritable = group.type === 'group' && group.writableMember !== undefined
    const members = membersOf(group, repositories).map(({ repository, isAskedFor }) => {
      const images = imagesOf(repository)
      return { name: repository.name, isHosted: repository.type === 'hosted', images, isAskedFor, repository }
    })

    /** Hosted ones in their order; then the proxy that had the image last, the other proxies in their order, and last those in trouble. */
    function sourcesOf(image: string): Source[] {
      const asked = members.filter(({ isAskedFor }) => isAskedFor(image))
      const last = memory.placeOf(image)
      const rank = ({ name, isHosted }: Source) => (isHosted ? 0 : memory.isTroubled(name) ? 3 : name === last ? 1 : 2)
      return asked.sort((one, other) => rank(one) - rank(other))
    }

    const hostedOf = (sources: Source[]) => sources.filter(({ isHosted }) => isHosted)
    const proxiesOf = (sources: Source[]) => sources.filter(({ isHosted }) => !isHosted)

    /** What is here already, with no request to anybody. */
    async function local<Found>(
      sources: Source[],
      troubles: Troubles,
      ask: (images: Images) => Promise<Found | undefined> | Found | undefined,
    ) {
      for (const source of sources) {
        try {
          const found = await ask(source.images)
          if (found !== undefined) return { found, source }
        } catch (error) {
          troubles.note(source, error)
        }
      }
      return undefined
    }

    async function manifest(image: string, reference: Reference, options: LookOptions = {}) {
      const { local: isLocal = false, toPush = false } = options
      const sources = sourcesOf(image)
      const troubles = collectTroubles(memory, log, { group: group.name, image })
      // A digest is the same wherever it comes from; a tag is not, and what a proxy keeps of one may be old: it knows.
      const near = isLocal || reference.digest !== undefined ? sources : hostedOf(sources)
      const kept = await local(near, troubles, (images) => images.manifest(image, reference, { local: true }))
      if (kept) {
        memory.found(image, kept.source.name)
        return kept.found
      }
      if (isLocal) return undefined
      const ask = ({ images }: Source) => images.manifest(image, reference)
      const fetched = await firstInOrder(proxiesOf(sources), ask, troubles, patience.some)
      if (!fetched) return toPush && isWritable ? undefined : troubles.throwIfAny()
      memory.found(image, fetched.source.name)
      memory.well(fetched.source.name)
      return fetched.found
    }

    async function blob(image: string, digest: Digest, { local: isLocal = false, renew = false } = {}) {
      const sources = sourcesOf(image)
      const troubles = collectTroubles(memory, log, { group: group.name, image })
      const kept = await local(sources, troubles, (images) => images.blob(image, digest, { renew, local: true }))
      if (kept || isLocal) return kept?.found
      // A push asks for every blob before it uploads; once it is under way nobody outside needs to hear of each.
      const isOurs = renew && members.some(({ name, isHosted }) => isHosted && name === memory.placeOf(image))
      if (isOurs) return undefined
      const ask = ({ images }: Source) => images.blob(image, digest, { renew })
      const fetched = await firstInOrder(proxiesOf(sources), ask, troubles, renew ? patience.none : patience.endless)
      if (fetched) return fetched.found
      // An upstream's trouble must not keep anybody from pushing: told "not here", the client uploads the blob.
      if (renew && isWritable) return undefined
      return troubles.throwIfAny()
    }

    /** Asks all at once. A list lacks what the members in trouble have; only when no member could answer is that an error. */
    async function fromAll<List>(
      about: string,
      asked: Source[],
      ask: (source: Source) => Promise<List>,
    ): Promise<List[]> {
      const troubles = collectTroubles(memory, log, { group: group.name, about })
      const lists = await Promise.allSettled(asked.map(ask))
      const known = lists.flatMap((list, index) => {
        if (list.status === 'fulfilled') return [list.value]
        troubles.note(asked[index]!, list.reason)
        return []
      })
      if (known.length === 0) troubles.throwIfAny()
      return known
    }

    /** Names of images in a member, without those that it is not asked for. */
    function namesIn(page: Page, list: (images: Images, some: Page) => Promise<string[]>) {
      return (source: Source) => {
        const { images, isAskedFor } = members.find(({ name }) => name === source.name)!
        return readWanted((some) => list(images, some), isAskedFor, page)
      }
    }

    return {
      manifest,
      blob,
      async tags(image, page) {
        const lists = await fromAll(image, sourcesOf(image), ({ images }) => images.tags(image, page))
        const known = lists.filter((list) => list !== undefined)
        return known.length > 0 ? mergePages(known, page) : undefined
      },
      async referrers(image, subject, page, artifactTypes) {
        const ask = ({ images }: Source) => images.referrers(image, subject, page, artifactTypes)
        return mergeReferrersPages(await fromAll(image, sourcesOf(image), ask), page)
      },
      async images(page) {
        return mergePages(
          await fromAll(
            'catalog',
            members,
            namesIn(page, (images, some) => images.images(some)),
          ),
          page,
        )
      },
      async search(term, page) {
        const ask = namesIn(page, (images, some) => images.search(term, some))
        return mergePages(await fromAll('search', members, ask), page)
      },
      ...createGroupSink({ group, members, memory, source: { manifest, blob } }),
    }
  }
}
