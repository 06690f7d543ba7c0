import type { Blobs } from '../../../content/blobs.ts'
import type { ContentParts, Place } from '../../../content/content.ts'
import { prepareListImages, searchImages } from '../../../database/images.ts'
import { listReferrers, type StoredManifest } from '../../../database/manifests.ts'
import { prepareFindCheckedTag, prepareListTags } from '../../../database/tags.ts'
import { AppError } from '../../../errors.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import type { LastUse } from '../../../retention/last-use.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { ProxyMetrics } from '../../../telemetry/proxy-metrics.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import { createAbsences } from './absences.ts'
import type { Downloads } from './downloads.ts'
import { createForeignLayers } from './foreign-layers.ts'
import type { ImageSink, Images } from './image-source.ts'
import { createManifestFinder } from './manifest-cache.ts'
import { createProxyBlobs } from './proxy-blobs.ts'
import { createProxyEvents } from './proxy-events.ts'
import { listUpstreamReferrers, listUpstreamTags } from './proxy-lists.ts'
import { createProxyManifests } from './proxy-manifests.ts'
import { createIndexSearch } from './proxy-search.ts'
import { fromRow, mergeReferrers } from './referrers.ts'

export type ProxyRepository = Repository & { type: 'proxy' }

export interface ProxyParts extends ContentParts {
  blobs: Blobs
  downloads: Downloads
  upstreamOf: (repository: ProxyRepository) => Upstream
  lastUse: LastUse
  log: Log
  metrics: ProxyMetrics
}

/** Makes the images of proxy repositories: fetched from an upstream when they are asked for, and kept under the names it knows them by. */
export function createProxyImages(parts: ProxyParts) {
  const { db, now, blobs, downloads, upstreamOf, lastUse, log, metrics } = parts
  const findManifest = createManifestFinder(db)
  const listTags = prepareListTags(db)
  const listImages = prepareListImages(db)
  const findTag = prepareFindCheckedTag(db)

  return function proxyImages(repository: ProxyRepository): Images {
    const upstream = upstreamOf(repository)
    const absences = createAbsences(repository.upstream.absenceAgeMs, now)
    const events = createProxyEvents(repository.name, log, metrics)
    const manifest = createProxyManifests({ ...parts, repository, upstream, absences, events, findManifest, findTag })
    const searchIndex = createIndexSearch({ repository: repository.name, upstream, log, now })
    const foreign =
      repository.upstream.foreignLayers === 'fetch' ? createForeignLayers(db, upstream.foreign) : undefined
    const findBlob = createProxyBlobs({ blobs, downloads, upstream, absences, events, foreign })
    const placeOf = (image: string): Place => ({
      repositoryId: repository.id,
      image: upstream.canonical(image),
      store: repository.store,
    })

    /** Notes that a manifest was used, and passes it on: at once when it is there at once. */
    function used<Found extends StoredManifest | undefined>(found: Found | Promise<Found>): Found | Promise<Found> {
      if (found instanceof Promise) return found.then(used)
      if (found?.id !== undefined) lastUse.note(found.id)
      return found
    }

    /** Counts what the cache has, and says so on it. */
    async function hit<Found extends object>(
      kind: 'manifest' | 'blob',
      what: string,
      looked: Found | Promise<Found | undefined> | undefined,
    ) {
      const found = await looked
      if (!found) return undefined
      events.hit(kind, what)
      return events.marked(kind, 'hit', found)
    }

    /** What the upstream says, or what is cached when it cannot say; without anything cached, why it cannot. */
    async function orCached<T>(what: string, ask: () => Promise<T>, cached: () => Promise<T | undefined>): Promise<T> {
      try {
        return await ask()
      } catch (error) {
        const known = error instanceof AppError ? await cached() : undefined
        if (known === undefined) throw error
        events.stale('list', what, error as AppError)
        return known
      }
    }

    return {
      manifest(image, reference, { local = false, served = false } = {}) {
        const name = upstream.canonical(image)
        if (!local) return used(manifest(name, reference))
        const found = findManifest(repository.id, name, reference)
        return served ? used(hit('manifest', `${name} ${reference.digest ?? reference.tag}`, found)) : found
      },
      blob(image, digest, { local = false, served = false, ...options } = {}) {
        const place = placeOf(image)
        if (!local) return findBlob(place, digest, options)
        const found = blobs.find(place, digest, options)
        return served ? hit('blob', `blob ${place.image} ${digest}`, found) : found
      },

      tags(image, page) {
        const name = upstream.canonical(image)
        return orCached(
          `tags of ${name}`,
          () => listUpstreamTags(upstream, name, page),
          () => listTags(repository.id, name, page.last, page.limit),
        )
      },

      referrers(image, subject, page, artifactTypes) {
        const name = upstream.canonical(image)
        return orCached(
          `referrers of ${subject}`,
          async () => mergeReferrers([], await listUpstreamReferrers(upstream, name, subject), page, artifactTypes),
          async () => {
            const scope = { repositoryId: repository.id, image: name, subject, artifactTypes }
            const rows = await listReferrers(db.queries, scope, page.last, page.limit + 1)
            return rows.length > 0 ? mergeReferrers(rows.map(fromRow), [], page, artifactTypes) : undefined
          },
        )
      },

      images: ({ last, limit }) => listImages(repository.id, last, limit),
      async search(term, page, kind) {
        if (kind === 'hosted') return []
        const names = await searchImages(db.queries, repository.id, term, page)
        return names.map((name) => ({ name, from: repository.name }))
      },
      searchIndex,

      ...refusingSink(`${repository.name} is a proxy of ${new URL(repository.upstream.url).host}`),
    }
  }
}

/** Nothing is pushed through a proxy, and nothing is deleted from somebody else's registry. */
function refusingSink(what: string): ImageSink {
  const refuse = async (): Promise<never> => {
    throw new AppError('method-unsupported', `${what}: push to a hosted repository`)
  }
  return {
    startUpload: refuse,
    findUpload: refuse,
    appendUpload: refuse,
    finishUpload: refuse,
    cancelUpload: refuse,
    mountBlob: refuse,
    putManifest: refuse,
    deleteManifest: refuse,
    deleteTag: refuse,
    deleteBlob: refuse,
  }
}
