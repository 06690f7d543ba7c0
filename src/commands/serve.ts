import { openApp } from '../app.ts'
import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'
import type { Handler } from '../http/incoming.ts'
import { type Listener, openListener } from '../http/listener.ts'
import { createLog, type Log } from '../telemetry/log.ts'
import { version } from '../version.ts'
import { loadOrExplain } from './configured.ts'
import type { CommandIo } from './io.ts'
import { openListeners } from './listeners.ts'
import { written } from './written.ts'

/** `entrepot serve [--config FILE]`: runs until SIGTERM or SIGINT. Returns the exit code: 0, 1 when a part could not be opened, 2 for a bad configuration. */
export async function serve(options: { config?: string | undefined }, io: CommandIo): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const log = createLog({ level: config.log.level, formatter: config.log.formatter, fields: config.log.fields })
  const closers = createClosers()
  try {
    const app = closers.add(await openApp(config, log))
    const debug = await openDebugListener(config, app.debugHandler, log)
    if (debug) closers.add({ close: () => debug.stop(0).then(() => {}) })
    const listeners = closers.add(await openListeners(config, app, log))
    banner({ config, listener: listeners.main, log, io, firstAdmin: app.firstAdmin })
    process.on('SIGHUP', () => {
      log.info('SIGHUP: looking at certificates and users again')
      app.reload()
      listeners.reload()
      log.level = loadOrExplain(options, io)?.log.level ?? log.level
    })
    const ended = endSignal()
    const ending = new AbortController()
    void ended.then(() => ending.abort())
    await app.adopt(ending.signal).catch(async (error) => {
      await listeners.stop(0)
      throw error
    })
    if (!ending.signal.aborted) app.startJobs()
    const signal = await ended
    log.info(`${signal}: finishing running requests`, { seconds: config.http.draintimeout / 1000 })
    app.drain()
    const broken = await listeners.stop(config.http.draintimeout)
    if (broken > 0) log.warn('requests were broken off at the end of http.draintimeout', { requests: broken })
    await closers.closeAll()
    log.info('stopped')
    return 0
  } catch (error) {
    await closers.closeAll().catch((also: unknown) => log.error('closing failed too', { error: also }))
    // What the configuration or the machine is to blame for is told in a sentence; the way there through our code helps nobody.
    if (error instanceof AppError) log.error(error.message, { code: error.code })
    else log.error(error instanceof Error ? error.message : String(error), { error })
    log.debug('what led to it', { error })
    return 1
  }
}

/** Resolves at the first request to end; a second one ends the process at once, as people expect of Ctrl-C. */
function endSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve(signal)
      })
    }
  })
}

/** The second listener, plain and without a login: who can reach its address may read it. */
async function openDebugListener({ http }: Config, handler: Handler, log: Log): Promise<Listener | undefined> {
  const { addr } = http.debug
  if (!addr) return undefined
  const listener = await openListener({ addr: written(addr), handler, trust: [], log })
  const pages = http.debug.prometheus.enabled ? `health and ${http.debug.prometheus.path}` : 'health'
  log.info(`${pages} for operators on ${listener.address}, without a login`)
  return listener
}

/** What the person who just typed `npm start` needs to see. */
function banner({
  config,
  listener,
  log,
  io,
  firstAdmin,
}: {
  config: Config
  listener: Listener
  log: Log
  io: CommandIo
  firstAdmin: { name: string; password: string; file: string } | undefined
}): void {
  log.info(`Entrepot ${version} listens on ${listener.address}`, { data: config.dataDir })
  if (!firstAdmin) return
  const place = listener.port === 0 ? 'HOST' : `localhost:${listener.port}`
  io.err.write(
    [
      '',
      `  First start: user ${firstAdmin.name} was created. Its password is in ${firstAdmin.file}`,
      '',
      `    docker login ${place} -u ${firstAdmin.name} --password-stdin < ${firstAdmin.file}`,
      '',
      '',
    ].join('\n'),
  )
}
