import type { App } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Handler } from '../http/incoming.ts'
import { type Listener, openListener } from '../http/listener.ts'
import { type TlsFiles, type TlsSettings, watchTls } from '../http/tls-files.ts'
import type { Log } from '../telemetry/log.ts'

/** Everything that clients reach the process by, as one. */
export interface Listeners {
  main: Listener
  /** Looks at the certificates again. */
  reload(): void
  /** Stops all at once: see `Listener.stop`. */
  stop(drainMs: number): Promise<number>
  /** Ends the watching of certificates. */
  close(): void
}

/** Opens the main listener and one for each connector with an address. When one cannot be opened, those before it are closed. */
export async function openListeners(
  config: Config,
  app: Pick<App, 'handler' | 'handlerFor'>,
  log: Log,
): Promise<Listeners> {
  const { addr, host, prefix, trustedProxies, idleTimeout } = config.http
  const common = { trust: trustedProxies, watchdogSeconds: idleTimeout / 1000, log }
  const opened: { listener: Listener; tls: TlsFiles | undefined }[] = []
  const open = async (at: Config['http']['addr'], handler: Handler, tls: TlsSettings | undefined, more = {}) => {
    let listener: Listener | undefined
    const files = tls && watchTls(tls, log, (fresh) => listener?.replaceTls(fresh))
    try {
      listener = await openListener({ ...common, ...more, addr: written(at), tls: files?.material, handler })
    } catch (error) {
      files?.close()
      throw error
    }
    opened.push({ listener, tls: files })
    return listener
  }
  const stop = async (drainMs: number) => {
    const broken = await Promise.all(opened.map(({ listener }) => listener.stop(drainMs)))
    return broken.reduce((sum, one) => sum + one, 0)
  }
  const close = () => {
    for (const { tls } of opened) tls?.close()
  }
  try {
    const main = await open(addr, app.handler, mainTls(config), { prefix, host })
    for (const { addr: own, repository, plain, tls } of config.connectors) {
      if (!own) continue
      const certified = tls.certificate && tls.key ? { certificate: tls.certificate, key: tls.key } : mainTls(config)
      const listener = await open(own, app.handlerFor(repository), plain ? undefined : certified)
      log.info(`repository ${repository} listens on ${listener.address}`)
    }
    return {
      main,
      stop,
      close,
      reload() {
        for (const { tls } of opened) tls?.reload()
      },
    }
  } catch (error) {
    await stop(0)
    close()
    throw error
  }
}

function mainTls({ http: { tls } }: Config): TlsSettings | undefined {
  if (!tls.certificate) return undefined
  return {
    certificate: tls.certificate,
    key: tls.key!,
    clientCas: tls.clientcas,
    minimumTls: tls.minimumtls,
    cipherSuites: tls.ciphersuites,
    // Has a default of its own, which means nothing without authorities.
    clientAuth: tls.clientcas.length > 0 ? tls.clientauth : undefined,
  }
}

/** An address as `openListener` reads it. */
export function written(addr: Config['http']['addr']): string {
  if ('socket' in addr) return addr.socket
  return `${addr.host.includes(':') ? `[${addr.host}]` : addr.host}:${addr.port}`
}
