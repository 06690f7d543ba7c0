import type { Digest } from '../../../content/digest.ts'
import type { FoundManifest } from '../../../database/among.ts'
import { AppError } from '../../../errors.ts'
import { membersOf } from '../../../repositories/members.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Log } from '../../../telemetry/log.ts'
import { askedHits, mergeHits, mergePages, mergeReferrersPages, readWanted } from './group-lists.ts'
import { createGroupMemory } from './group-memory.ts'
import { createGroupSink } from './group-sink.ts'
import { collectTroubles, firstInOrder, patience, type Source, type Troubles, within } from './group-walk.ts'
import { type HostedSet, type HostedTogether, hostedSet } from './hosted-together.ts'
import type { Images, LookOptions, Page } from './image-source.ts'
import type { Reference } from './names.ts'

export interface GroupParts {
  repositories: Pick<Repositories, 'named'>
  /** The images of a member. */
  imagesOf: (repository: Repository) => Images
  together: HostedTogether
  now: () => number
  log: Log
}

/** Makes the images of groups: what their members have, as one. */
export function createGroupImages({ repositories, imagesOf, together, now, log }: GroupParts) {
  return function groupImages(group: Repository): Images {
    const memory = createGroupMemory(now)
    const isWritable = group.type === 'group' && group.writableMember !== undefined
    const all = membersOf(group, repositories).map(({ repository, isAskedFor }) => {
      const images = imagesOf(repository)
      return { name: repository.name, isHosted: repository.type === 'hosted', images, isAskedFor, repository }
    })
    // A member that goes offline or comes back makes this another group.
    const members = all.filter(({ repository }) => repository.offline === undefined)
    type GroupMember = (typeof members)[number]
    const hosted = members.filter(({ isHosted }) => isHosted)
    const proxies = members.filter(({ isHosted }) => !isHosted)
    const hostedNames = new Map(hosted.map(({ repository, name }) => [repository.id, name]))
    const allHosted = hostedSet([...hostedNames.keys()])

    /** The hosted members that are asked for an image, in their order. */
    function hostedFor(image: string): HostedSet {
      if (hosted.every(({ isAskedFor }) => isAskedFor(image))) return allHosted
      return hostedSet(hosted.flatMap(({ isAskedFor, repository }) => (isAskedFor(image) ? [repository.id] : [])))
    }

    /** The proxy that had the image last, the others in their order, and last those in trouble. */
    function proxiesFor(image: string): GroupMember[] {
      const last = memory.placeOf(image)
      const rank = ({ name }: Source) => (memory.isTroubled(name) ? 2 : name === last ? 0 : 1)
      return proxies.filter(({ isAskedFor }) => isAskedFor(image)).sort((one, other) => rank(one) - rank(other))
    }

    const membersFor = (image: string) => members.filter(({ isAskedFor }) => isAskedFor(image))
    const troublesOf = (about: Record<string, unknown>) => collectTroubles(memory, log, { group: group.name, ...about })

    /** What the caches of proxies have, with no request to anybody. */
    async function cached<Found>(
      sources: GroupMember[],
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

    function pushed(image: string, found: FoundManifest): FoundManifest {
      memory.found(image, hostedNames.get(found.repositoryId) as string)
      return found
    }

    /** Out of memory and at once where that is possible: most pulls are of that kind. */
    function manifest(image: string, reference: Reference, options: LookOptions = {}) {
      const found = together.manifest(hostedFor(image), image, reference)
      if (found !== undefined && !(found instanceof Promise)) return pushed(image, found)
      return manifestOf(found, image, reference, options)
    }

    async function manifestOf(
      look: Promise<FoundManifest | undefined> | undefined,
      image: string,
      reference: Reference,
      { local = false, toPush = false }: LookOptions,
    ) {
      const ours = await look
      if (ours) return pushed(image, ours)
      const sources = proxiesFor(image)
      const troubles = troublesOf({ image })
      // A digest is the same wherever it comes from; a tag is not, and what a proxy keeps of one may be old: it knows.
      if (local || reference.digest !== undefined) {
        const kept = await cached(sources, troubles, (images) =>
          images.manifest(image, reference, { local: true, served: !local }),
        )
        if (kept) {
          memory.found(image, kept.source.name)
          return kept.found
        }
      }
      if (local) return undefined
      const ask = ({ images }: Source) => images.manifest(image, reference)
      const fetched = await firstInOrder(sources, ask, troubles, patience.some)
      if (!fetched) return toPush && isWritable ? undefined : troubles.throwIfAny()
      memory.found(image, fetched.source.name)
      return fetched.found
    }

    async function blob(image: string, digest: Digest, { local = false, renew = false } = {}) {
      const ours = await together.blob(hostedFor(image), image, digest, { renew })
      if (ours) return ours
      const sources = proxiesFor(image)
      const troubles = troublesOf({ image })
      const kept = await cached(sources, troubles, (images) =>
        images.blob(image, digest, { renew, local: true, served: !local }),
      )
      if (kept || local) return kept?.found
      // A push asks for every blob before it uploads; once it is under way nobody outside needs to hear of each.
      const place = memory.placeOf(image)
      if (renew && hosted.some(({ name }) => name === place)) return undefined
      const ask = ({ images }: Source) => images.blob(image, digest, { renew })
      const fetched = await firstInOrder(sources, ask, troubles, renew ? patience.none : patience.endless)
      if (fetched) return fetched.found
      // An upstream's trouble must not keep anybody from pushing: told "not here", the client uploads the blob.
      if (renew && isWritable) return undefined
      return troubles.throwIfAny()
    }

    /**
     * Asks all at once. A list lacks what the members in trouble have, and one that did not answer the last time is not waited for as long; only
     * when no member could answer is that an error.
     */
    async function fromAll<List>(
      about: string,
      asked: GroupMember[],
      ask: (source: GroupMember) => Promise<List>,
    ): Promise<List[]> {
      const troubles = troublesOf({ about })
      const lists = await Promise.allSettled(
        asked.map((source) => {
          const list = ask(source)
          return troubles.isDoubted(source) && asked.length > 1 ? inTime(source, list) : list
        }),
      )
      const known = lists.flatMap((list, index) => {
        if (list.status === 'fulfilled') return [list.value]
        troubles.note(asked[index]!, list.reason)
        return []
      })
      if (known.length === 0) troubles.throwIfAny()
      return known
    }

    async function inTime<List>(source: GroupMember, list: Promise<List>): Promise<List> {
      const settled = await within(
        list.then((value) => ({ value })),
        patience.doubted,
      )
      if (settled) return settled.value
      throw new AppError('upstream-timeout', `${source.name} has been in trouble and did not answer quickly`)
    }

    return {
      manifest,
      blob,
      async tags(image, page) {
        const lists = await fromAll(image, membersFor(image), ({ images }) => images.tags(image, page))
        const known = lists.filter((list) => list !== undefined)
        return known.length > 0 ? mergePages(known, page) : undefined
      },
      async referrers(image, subject, page, artifactTypes) {
        const ask = ({ images }: Source) => images.referrers(image, subject, page, artifactTypes)
        return mergeReferrersPages(await fromAll(image, membersFor(image), ask), page)
      },
      async images(page) {
        const ask = ({ images, isAskedFor }: GroupMember) =>
          readWanted((some) => images.images(some), String, isAskedFor, page)
        return mergePages(await fromAll('catalog', members, ask), page)
      },
      async search(term, page, kind) {
        const ask = ({ images, isAskedFor }: GroupMember) =>
          readWanted(
            (some: Page) => images.search(term, some, kind),
            ({ name }) => name,
            isAskedFor,
            page,
          )
        const asked = kind === undefined ? members : kind === 'hosted' ? hosted : proxies
        return mergeHits(await fromAll('search', asked, ask), page)
      },
      async searchIndex(term) {
        const ask = async ({ images, isAskedFor }: GroupMember) => askedHits(await images.searchIndex(term), isAskedFor)
        return (await fromAll('search', proxies, ask)).flat()
      },
      ...createGroupSink({ group, members: all, memory, source: { manifest, blob } }),
    }
  }
}
