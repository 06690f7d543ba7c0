import { openDrivers } from '../app.ts'
import { createClosers } from '../closers.ts'
import { type Config, secretsSettings } from '../config/config.ts'
import { createBlobStores } from '../content/blob-store.ts'
import { openDatabase } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { createAudit } from '../events/audit.ts'
import { createRepositoryService, type RepositoryService } from '../repositories/service.ts'
import { openSecrets } from '../secrets/secrets.ts'
import { silentLog } from '../telemetry/log.ts'
import { loadOrExplain } from './configured.ts'
import { consoleActor } from './console-audit.ts'
import { formatBytes } from './format.ts'
import type { CommandIo } from './io.ts'
import { type FormOptions, formFrom } from './repo-form.ts'
import { shownRepository, table } from './repo-show.ts'

export interface RepoOptions {
  config?: string | undefined
  json?: boolean | undefined
}

/** What was changed shows in running servers by itself: they look every two seconds. */
const soon = 'running servers follow within 5 seconds'

/** `entrepot repo list`: a line for each repository. */
export function listRepositories(options: RepoOptions, io: CommandIo): Promise<number> {
  return withService(options, io, async ({ service, config }) => {
    const all = await service.list()
    if (options.json) io.out.write(`${JSON.stringify(all)}\n`)
    else io.out.write(table(all))
    const waiting = config.repositories.filter(({ name }) => !all.some((one) => one.name === name))
    if (waiting.length > 0)
      io.err.write(`made at the next start, as the file declares: ${waiting.map(({ name }) => name).join(', ')}\n`)
  })
}

/** `entrepot repo show NAME`: its settings in the words of the file, and how much is in it. */
export function showRepository(name: string, options: RepoOptions, io: CommandIo): Promise<number> {
  return withService(options, io, async ({ service }) => {
    const view = await service.get(name)
    // Says which there are.
    const usage = await service.usageOf(name)
    if (!view) return
    io.out.write(options.json ? `${JSON.stringify({ ...view, usage })}\n` : shownRepository(view, usage))
  })
}

/** `entrepot repo create NAME`: settings come from `--from`, `--type` and `--set`. */
export function createRepository(name: string, options: RepoOptions & FormOptions, io: CommandIo): Promise<number> {
  return withService(options, io, async ({ service }) => {
    const view = await service.create({ ...(await formFrom(options, io)), name })
    tell(`created ${view.type} repository ${name}; ${soon}`, view, options, io)
  })
}

/** `entrepot repo update NAME`: what is not named stays. */
export function updateRepository(name: string, options: RepoOptions & FormOptions, io: CommandIo): Promise<number> {
  return withService(options, io, async ({ service }) => {
    const changes = await formFrom(options, io)
    if (Object.keys(changes).length === 0)
      throw new AppError(
        'request-invalid',
        'nothing to change: say what with --set KEY=VALUE, --unset KEY or --from FILE',
      )
    tell(`changed ${name}; ${soon}`, await service.update(name, changes), options, io)
  })
}

/** `entrepot repo remove NAME [--with-content]`. */
export function removeRepository(
  name: string,
  options: RepoOptions & { withContent?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  return withService(options, io, async ({ service }) => {
    await service.remove(name, { withContent: options.withContent ?? false })
    tell(`removed ${name}; ${soon}; its blobs go with the garbage collection`, { removed: name }, options, io)
  })
}

/** `entrepot repo online NAME` and `entrepot repo offline NAME`. */
export function switchRepository(name: string, online: boolean, options: RepoOptions, io: CommandIo): Promise<number> {
  return withService(options, io, async ({ service }) => {
    const view = await service.setOnline(name, online)
    tell(`${name} is ${online ? 'online' : 'offline'}; ${soon}`, view, options, io)
  })
}

/** `entrepot repo move NAME --to STORE`: copies, verifies, switches. Broken off, it goes on where it was when called again. */
export function moveRepository(name: string, options: RepoOptions & { to: string }, io: CommandIo): Promise<number> {
  return withService(options, io, async ({ service, config }) => {
    const { to } = options
    const stop = new AbortController()
    const onSignal = () => stop.abort(new AppError('unavailable', 'stopped: call it again to go on'))
    process.once('SIGINT', onSignal)
    process.once('SIGTERM', onSignal)
    let toldAt = performance.now()
    const done = await service.move(name, to, {
      signal: stop.signal,
      onProgress: ({ blobs, bytes, blobsInAll, bytesInAll }) => {
        if (performance.now() - toldAt < 1000) return
        toldAt = performance.now()
        const far = `${blobs} of ${blobsInAll} blobs, ${formatBytes(bytes)} of ${formatBytes(bytesInAll)}`
        io.err.write(`${far}\n`)
      },
    })
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    const declared = config.repositories.find((one) => one.name === name)
    if (declared && declared.blobStore !== to)
      io.err.write(
        `now write blobStore: ${to} for ${name} into the file: until then each start warns that it differs\n`,
      )
    const what = `${done.blobs} blobs, ${formatBytes(done.bytes)}`
    const message = `${name} is in blob store ${to} (${what} copied or found there); what the old store had goes with the garbage collection`
    tell(message, { repository: name, store: to, ...done }, options, io)
  })
}

function tell(message: string, result: unknown, { json }: RepoOptions, io: CommandIo): void {
  if (json) io.out.write(`${JSON.stringify(result)}\n`)
  else io.err.write(`${message}\n`)
}

/** Runs with the service on the database of the configuration, beside a running server. Returns the exit code. */
async function withService(
  options: RepoOptions,
  io: CommandIo,
  work: (parts: { service: RepositoryService; config: Config }) => Promise<void>,
): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    const db = closers.add(await openDatabase(config.database))
    const stores = createBlobStores(await openDrivers(config, closers.add))
    const service = createRepositoryService({
      db,
      stores,
      now: Date.now,
      graceMs: config.storage.gc.grace,
      secrets: openSecrets(secretsSettings(config)),
      config,
      refresh: async () => {},
      tell: closers.add(createAudit({ db, log: silentLog, now: Date.now })).tell,
      actor: consoleActor(),
    })
    await work({ service, config })
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return error.code === 'request-invalid' ? 2 : 1
  } finally {
    await closers.closeAll()
  }
}
