import { guarded } from './access/guard.ts'
import { openAccess } from './access/open-access.ts'
import { openApi } from './api/open.ts'
import { type Closers, createClosers } from './closers.ts'
import { type BlobStoreConfig, type Config, secretsSettings } from './config/config.ts'
import { type BlobStore, createBlobStores } from './content/blob-store.ts'
import { createBlobs } from './content/blobs.ts'
import { type Collector, createCollector } from './content/collector.ts'
import { createUploads, type Uploads } from './content/uploads.ts'
import { type Database, openDatabase } from './database/database.ts'
import type { Actor } from './events/event.ts'
import { openAudit } from './events/open-audit.ts'
import { createRarely } from './events/rarely.ts'
import { openAdoption } from './formats/docker/adoption/first-start.ts'
import { tellCollisions } from './formats/docker/images/collisions.ts'
import { createDownloads } from './formats/docker/images/downloads.ts'
import { createGroupImages } from './formats/docker/images/group.ts'
import { createHostedImages } from './formats/docker/images/hosted.ts'
import { createHostedTogether } from './formats/docker/images/hosted-together.ts'
import type { Images } from './formats/docker/images/image-source.ts'
import { onceEach } from './formats/docker/images/once-each.ts'
import { createProxyImages } from './formats/docker/images/proxy.ts'
import { createUpstreams } from './formats/docker/images/upstreams.ts'
import type { ProtocolParts } from './formats/docker/protocol/call.ts'
import { createDockerProtocol } from './formats/docker/protocol/dispatch.ts'
import { tokenPath } from './formats/docker/protocol/token.ts'
import { createV1 } from './formats/docker/protocol/v1.ts'
import { roomsByHost } from './http/by-host.ts'
import { createFront } from './http/compose.ts'
import { createDebug } from './http/debug.ts'
import { createHealth } from './http/health.ts'
import type { Handler } from './http/incoming.ts'
import { webFiles } from './http/web-files.ts'
import { createWebPage } from './http/web-page.ts'
import type { FirstAdmin } from './identity/first-admin.ts'
import { openIdentity } from './identity/open-identity.ts'
import { createTokenPurge } from './identity/tokens/purge.ts'
import { collectJob } from './jobs/collect.ts'
import { startHousekeeping } from './jobs/housekeeping.ts'
import { createJobs } from './jobs/jobs.ts'
import { openRepositories, watchRepositories } from './repositories/live.ts'
import { moveJob } from './repositories/move-job.ts'
import { createPlaces } from './repositories/places.ts'
import { type Repository, writableMemberOf } from './repositories/repositories.ts'
import { createRepositoryService, type RepositoryService } from './repositories/service.ts'
import { createLastUse } from './retention/last-use.ts'
import { createProxyCaches, type ProxyCaches } from './retention/proxy-caches.ts'
import { openSecrets } from './secrets/secrets.ts'
import type { StorageDriver } from './storage/driver.ts'
import { openFilesystemDriver } from './storage/filesystem.ts'
import { createInMemoryDriver } from './storage/inmemory.ts'
import { withLimit } from './storage/limit.ts'
import { withRetry } from './storage/retry.ts'
import { createAccessLog } from './telemetry/access-log.ts'
import type { Log } from './telemetry/log.ts'
import { createMetrics } from './telemetry/metrics.ts'
import { configuredOutbound } from './upstream/configured.ts'
import { version } from './version.ts'

export interface App {
  /** The main listener's, host names of connectors included. */
  handler: Handler
  /** What a listener serves that is bound to this repository. */
  handlerFor(repository: string): Handler
  /** What `http.debug.addr` serves. */
  debugHandler: Handler
  db: Database
  collector: Collector
  caches: ProxyCaches
  uploads: Uploads
  /** Creates, changes and removes repositories while they are served, in the name of whoever asks for it. */
  repositoriesAs(actor: Actor, requestId?: string): RepositoryService
  /** Takes over what registry:2 left in the default blob store, once; until it is done nothing is served under `/v2/`. Before `startJobs`. */
  adopt(signal: AbortSignal): Promise<void>
  /** Starts what runs beside the requests: collector, upload purge, sweep of what a crash has left. */
  startJobs(): void
  /** Set when this start created the first user. */
  firstAdmin: FirstAdmin | undefined
  /** SIGHUP: looks at files again. */
  reload(): void
  /** Says on `/readyz` that no more requests should come. */
  drain(): void
  /** Stops the jobs and closes everything that was opened, last first. */
  close(): Promise<void>
}

/**
 * Opens every part in order. When one cannot be opened, those before it are closed and the error is passed on. `now` is the wall clock, `steady` one that
 * nobody sets: both in milliseconds.
 */
export async function openApp(
  config: Config,
  log: Log,
  now: () => number = Date.now,
  steady: () => number = () => performance.now(),
): Promise<App> {
  const closers = createClosers()
  try {
    const db = closers.add(await openDatabase(config.database))
    await db.claim()
    const blobStores = await openDrivers(config, closers.add)
    const stores = createBlobStores(blobStores)
    const parts = { db, stores, now, graceMs: config.storage.gc.grace }
    const blobs = createBlobs(parts)
    const uploads = createUploads(parts)
    const collector = createCollector(parts)

    const metrics = createMetrics({ version })
    const audit = openAudit(config, { db, log, now }, closers.add)
    const secrets = openSecrets(secretsSettings(config))
    const repositories = await openRepositories({ db, secrets, log, now }, config)
    closers.add(watchRepositories(repositories, log))
    const hostedImages = createHostedImages(
      { ...parts, blobs, uploads },
      {
        readOnly: config.storage.maintenance.readonly.enabled,
        deletable: config.storage.delete.enabled,
        sparse: config.validation.disabled,
      },
    )
    const together = createHostedTogether({ db, blobs })
    const downloads = closers.add(createDownloads({ blobs, uploads, stores, log }))
    const outbound = configuredOutbound(config)
    const upstreams = createUpstreams(config, { outbound, log, now, metrics })
    const lastUse = closers.add(createLastUse(db, now))
    const caches = createProxyCaches({ ...parts, repositories, lastUse, log, metrics, steady })
    const proxyImages = createProxyImages({
      ...parts,
      blobs,
      downloads,
      upstreamOf: upstreams.of,
      lastUse,
      log,
      metrics,
    })
    const imagesOf: ProtocolParts['imagesOf'] = onceEach((repository: Repository): Images => {
      if (repository.type === 'hosted') return hostedImages(repository)
      if (repository.type === 'proxy') return proxyImages(repository)
      return createGroupImages({ repositories, imagesOf, together, now, log })(repository)
    })
    const adoption = closers.add(await openAdoption({ ...parts, uploads }, repositories, log))
    const identity = await openIdentity({ config, db, log, now, metrics, secrets, tokenPath })
    const { authenticator, passwords, tokens, accounts, firstAdmin, reload } = identity
    closers.add(authenticator)
    const writableMember = (group: string) => writableMemberOf(repositories, group)
    const access = closers.add(await openAccess({ config, db, log, now, writableMember }))
    const places = createPlaces({ repositories, ...access })
    const { decide, reachOf } = places
    const repositoriesAs: App['repositoriesAs'] = (actor, requestId) =>
      createRepositoryService({
        ...{ ...parts, secrets, config, refresh: repositories.refresh, actor },
        tell: (event) => audit.tell({ ...event, requestId }),
      })
    const work = { 'gc.run': collectJob(collector, metrics), 'repository.move': moveJob(repositoriesAs) }
    const jobs = closers.add(createJobs({ db, log, now, work }))

    let draining = false
    const protocol = {
      repositories,
      imagesOf,
      blobs,
      authenticator,
      decide,
      reachOf,
      places,
      tokens,
      telling: { tell: audit.tell, pulls: config.audit.pulls, isNews: createRarely(3_600_000, now) },
      log,
      maxTags: config.tags.maxtags,
      maxCatalog: config.catalog.maxentries,
      absoluteUrls: config.http.host !== undefined && !config.http.relativeurls,
      assertReady: adoption.assertDone,
    }
    const accessLog = config.log.accesslog.disabled ? undefined : createAccessLog({ formatter: config.log.formatter })
    const checks = [db, ...blobStores.map(({ driver }) => driver), adoption]
    const health = createHealth(checks, () => draining)
    const metricsPage: Handler = async (incoming) => {
      incoming.route = 'metrics'
      return new Response(await metrics.metricsText(), { headers: { 'content-type': metrics.contentType } })
    }
    const { prometheus } = config.http.debug
    const debugHandler = createDebug({
      ...health,
      metrics: prometheus.enabled ? { path: prometheus.path, handler: metricsPage } : undefined,
    })
    const { healthz, readyz } = health
    const roomsOf = (shown: Pick<ProtocolParts, 'repositories' | 'absoluteUrls'>) => ({
      v2: createDockerProtocol({ ...protocol, ...shown }),
      v1: createV1({ ...protocol, ...shown }),
    })
    /** A connector is reached by an address of its own, which `http.host` does not tell. */
    const boundRooms = (name: string) => roomsOf({ repositories: repositories.boundTo(name), absoluteUrls: false })
    // Tokens are for images: pages and the API take passwords, access tokens and sessions.
    const pages = { ...protocol, authenticator: passwords }
    const api = openApi(config, {
      ...pages,
      ...{ db, now, tell: audit.tell, stores: blobStores, collector, outbound, identity, jobs, checks },
      ...{ repositoriesAs, upstreams, accounts, refreshAccess: access.refresh },
    })
    const otherwise = config.web.enabled ? createWebPage(webFiles) : undefined
    const frontOf = (formats: Record<string, Handler>) =>
      createFront({
        rooms: { ...formats, api: api.handler, healthz, readyz, metrics: guarded('observe', metricsPage, pages) },
        otherwise,
        headers: config.http.headers,
        onAccess: accessLog?.write,
        metrics,
        log,
      })
    const byHost = config.connectors.flatMap(({ host, repository }) =>
      host === undefined ? [] : [[host, boundRooms(repository)] as const],
    )
    const handler = frontOf(roomsByHost(roomsOf(protocol), byHost))
    await tellCollisions(repositories, imagesOf, log)
    return {
      handler,
      handlerFor: (repository) => frontOf(boundRooms(repository)),
      debugHandler,
      db,
      collector,
      caches,
      uploads,
      repositoriesAs,
      firstAdmin,
      reload,
      adopt: adoption.run,
      startJobs: () => {
        jobs.begin()
        closers.add(
          startHousekeeping(config, {
            proxies: () => repositories.all().flatMap(({ type, id }) => (type === 'proxy' ? [id] : [])),
            uploads,
            collector,
            caches,
            stores: blobStores.map(({ name }) => name),
            audit,
            sessions: api,
            purgeTokens: createTokenPurge(db, now, steady),
            metrics,
            log,
          }),
        )
      },
      drain: () => {
        draining = true
      },
      close: closers.closeAll,
    }
  } catch (error) {
    await closers.closeAll()
    throw error
  }
}

/** Opens the configured blob stores, each to be closed by whoever `add` tells. */
export async function openDrivers(config: Config, add: Closers['add']): Promise<BlobStore[]> {
  const opened: BlobStore[] = []
  for (const [name, settings] of Object.entries(config.blobStores)) {
    opened.push({ name, driver: add(await openDriver(settings)) })
  }
  return opened
}

async function openDriver(settings: BlobStoreConfig): Promise<StorageDriver> {
  if ('inmemory' in settings) return createInMemoryDriver()
  const { rootdirectory, maxthreads } = settings.filesystem
  return withRetry(withLimit(await openFilesystemDriver({ root: rootdirectory }), maxthreads))
}
