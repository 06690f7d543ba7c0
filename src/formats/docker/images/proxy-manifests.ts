import type { ContentParts } from '../../../content/content.ts'
import type { Digest } from '../../../content/digest.ts'
import { findImage, holdImage } from '../../../database/images.ts'
import type { StoredManifest } from '../../../database/manifests.ts'
import { confirmTag, deleteTag, type prepareFindCheckedTag } from '../../../database/tags.ts'
import { AppError } from '../../../errors.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import type { UpstreamManifest } from '../../../upstream/manifest.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import type { Absences } from './absences.ts'
import { createFlights } from './flights.ts'
import { parseManifest } from './manifest.ts'
import type { createManifestFinder } from './manifest-cache.ts'
import type { Reference } from './names.ts'
import type { ProxyEvents } from './proxy-events.ts'
import { storeManifest } from './put-manifest.ts'

export interface ProxyManifestParts extends ContentParts {
  repository: Repository & { type: 'proxy' }
  upstream: Upstream
  absences: Absences
  events: ProxyEvents
  findManifest: ReturnType<typeof createManifestFinder>
  findTag: ReturnType<typeof prepareFindCheckedTag>
}

/** From this part of its age on, a tag that is asked for is asked of the upstream, too, and nobody waits for that. */
const earlyPart = 3 / 4
/** So many tags of a repository at once are looked at early; others are when they are asked for again, or at their age. */
const mostEarly = 4

/** How long a client waits for word of a slow upstream when there is a cached copy. */
const patienceMs = 5_000

interface Found {
  manifest: StoredManifest | undefined
  result: 'hit' | 'miss' | 'absent'
  /** Why the upstream could not be asked: the manifest is what was cached. */
  trouble?: AppError
}

/**
 * Finds the manifests of one proxy repository. By digest the cache is as good as the upstream. A tag is asked for again once it was last asked for
 * `tagAgeMs` ago: by HEAD, which counts for no pull limit. In the last quarter of that time a pull is answered at once and the upstream asked meanwhile. When the upstream cannot answer, the cached copy does, with a warning; without one, the
 * upstream's error is thrown.
 */
export function createProxyManifests(parts: ProxyManifestParts) {
  const { db, now, repository, upstream, absences, events, findManifest, findTag } = parts
  const { tagAgeMs } = repository.upstream
  const flights = createFlights<Found>()
  /** Since when each flight is under way, by `performance.now()`. */
  const begun = new Map<string, number>()
  /** How many tags are looked at early just now. */
  let early = 0

  function share(key: string, work: () => Promise<Found>): Promise<Found> {
    return flights.share(key, () => {
      begun.set(key, performance.now())
      return work().finally(() => begun.delete(key))
    })
  }

  /** Keeps what the upstream sent. Without room it is passed on all the same. */
  async function keep(image: string, found: UpstreamManifest, tag: string | undefined): Promise<StoredManifest> {
    const { mediaType, digest, bytes = new Uint8Array() } = found
    events.fetched('manifest', bytes.length)
    const manifest = readable(bytes, mediaType, upstream.name)
    const tags = tag === undefined ? [] : [tag]
    try {
      await storeManifest(parts, {
        repository: { ...repository, writePolicy: 'allow' },
        image,
        manifest,
        digest,
        tags,
        sparse: true,
        checkedAt: now(),
      })
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'storage-full') throw error
      events.unsaved(`${image}@${digest}`, error)
    }
    return { digest, mediaType: manifest.mediaType, content: manifest.bytes }
  }

  async function fetched(image: string, reference: Reference): Promise<Found> {
    const wanted = reference.digest ?? reference.tag
    const found = await upstream.manifest(image, wanted)
    if (found === undefined || found === 'unchanged') {
      absences.add(`manifest ${image} ${wanted}`)
      return { manifest: undefined, result: 'absent' }
    }
    return { manifest: await keep(image, found, reference.tag), result: 'miss' }
  }

  /** Asks whether the tag still points to what is cached. */
  async function checked(image: string, tag: string, cached: StoredManifest): Promise<Found> {
    const digest = cached.digest as Digest
    const told = await upstream.manifest(image, tag, { method: 'HEAD', ifNoneMatch: digest })
    if (told === undefined) {
      await forget(image, tag)
      absences.add(`manifest ${image} ${tag}`)
      return { manifest: undefined, result: 'absent' }
    }
    if (told === 'unchanged' || told.digest === digest) {
      await confirm(image, tag, digest)
      return { manifest: cached, result: 'hit' }
    }
    return told.bytes ? { manifest: await keep(image, told, tag), result: 'miss' } : fetched(image, { tag })
  }

  async function confirm(image: string, tag: string, digest: string): Promise<void> {
    const imageId = await findImage(db.queries, repository.id, image)
    if (imageId !== undefined) await db.relaxed((tx) => confirmTag(tx, imageId, tag, digest, now()))
  }

  /** The manifest stays: who knows its digest may still pull it. */
  async function forget(image: string, tag: string): Promise<void> {
    await db.transaction(async (tx) => {
      const imageId = await holdImage(tx, repository.id, image)
      if (imageId !== undefined) await deleteTag(tx, imageId, tag, now())
    })
  }

  function askOr(cached: StoredManifest, key: string, work: () => Promise<Found>): Promise<Found> {
    return share(key, () =>
      work().catch((error) => {
        if (!(error instanceof AppError)) throw error
        return { manifest: cached, result: 'hit' as const, trouble: error }
      }),
    )
  }

  async function cachedOr(cached: StoredManifest, key: string, work: () => Promise<Found>): Promise<Found> {
    const flight = askOr(cached, key, work)
    const left = patienceMs - (performance.now() - (begun.get(key) ?? performance.now()))
    let timer: Timer | undefined
    const late = new Promise<Found>((resolve) => {
      const trouble = new AppError('upstream-timeout', `upstream ${upstream.name} is slow to answer`)
      timer = setTimeout(() => resolve({ manifest: cached, result: 'hit', trouble }), Math.max(0, left))
    })
    return Promise.race([flight, late]).finally(() => clearTimeout(timer))
  }

  /** So that a popular tag never waits for the upstream: it is asked before its age is over. */
  function askEarly(image: string, tag: string, cached: StoredManifest): void {
    const key = `manifest ${image} ${tag}`
    if (early >= mostEarly || begun.has(key)) return
    early++
    askOr(cached, key, () => checked(image, tag, cached))
      .then(({ trouble }) => trouble && events.unasked(`${image} ${tag}`, trouble))
      .catch((error) => events.unasked(`${image} ${tag}`, error))
      .finally(() => early--)
  }

  /** How much of its age a tag has: fresh below 1. */
  function partOfAge(checkedAt: number | null): number {
    const age = now() - (checkedAt ?? Number.NEGATIVE_INFINITY)
    return age >= 0 && age < tagAgeMs ? age / tagAgeMs : 1
  }

  /** What is cached, and how much of its age it has. */
  async function look(image: string, { digest, tag }: Reference) {
    const known = tag === undefined ? undefined : await findTag(repository.id, image, tag)
    const wanted = digest ?? (known?.digest as Digest | undefined)
    const cached = wanted && (await findManifest(repository.id, image, { digest: wanted }))
    return { cached, part: digest === undefined ? partOfAge(known?.checkedAt ?? null) : 0 }
  }

  async function find(image: string, reference: Reference): Promise<Found> {
    const { cached, part } = await look(image, reference)
    if (cached && part < 1) {
      if (part >= earlyPart) askEarly(image, reference.tag!, cached)
      return { manifest: cached, result: 'hit' }
    }
    const key = `manifest ${image} ${reference.digest ?? reference.tag}`
    if (absences.has(key)) return { manifest: undefined, result: 'absent' }
    /** Looks once more: another flight may have ended since. */
    const ask = async (): Promise<Found> => {
      const current = await look(image, reference)
      if (current.cached && current.part < 1) return { manifest: current.cached, result: 'hit' }
      return current.cached ? checked(image, reference.tag!, current.cached) : fetched(image, reference)
    }
    return cached ? cachedOr(cached, key, ask) : share(key, ask)
  }

  return async function manifest(image: string, reference: Reference): Promise<StoredManifest | undefined> {
    const what = `${image} ${reference.digest ?? reference.tag}`
    const found = await events.watching('manifest', what, () => find(image, reference))
    if (!found.manifest || !found.trouble) {
      events[found.result]('manifest', what)
      if (!found.manifest || found.result === 'absent') return undefined
      return events.marked('manifest', found.result, found.manifest)
    }
    events.stale('manifest', what, found.trouble)
    const warning = `served from the cache: ${found.trouble.message}`
    return events.marked('manifest', 'stale', { ...found.manifest, warning })
  }
}

/** What no client could use is the upstream's mistake, not the client's. */
function readable(bytes: Uint8Array, mediaType: string, name: string) {
  try {
    return parseManifest(bytes, mediaType)
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    throw new AppError('upstream-failed', `upstream ${name} sent a manifest that cannot be used: ${cause.message}`, {
      cause,
    })
  }
}
