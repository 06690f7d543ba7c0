import type { App } from '../app.ts'
import type { Config } from '../config/config.ts'
import type { Handler } from '../http/incoming.ts'
import { type Listener, openListener } from '../http/listener.ts'
import { type TlsFiles, type TlsSettings, watchTls } from '../http/tls-files.ts'
import type { Log } from '../telemetry/log.ts'
import { openLetsEncrypt } from './letsencrypt.ts'
import { written } from './written.ts'

/** Everything that clients reach the process by, as one. */
export interface Listeners {
  main: Listener
  /** Looks at the certificates again. */
  reload(): void
  /** Stops all at once: see `Listener.stop`. */
  stop(drainMs: number): Promise<number>
  /** Ends the watching and the renewal of certificates. */
  close(): Promise<void>
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
  const letsEncrypt = await openLetsEncrypt(config, log)
  const shared = mainTls(config, letsEncrypt?.file)
  const close = async () => {
    for (const { tls } of opened) tls?.close()
    await letsEncrypt?.close()
  }
  try {
    const main = await open(addr, app.handler, shared, { prefix, host })
    for (const { addr: own, repository, plain, tls } of config.connectors) {
      if (!own) continue
      const certified = tls.certificate && tls.key ? { certificate: tls.certificate, key: tls.key } : shared
      const listener = await open(own, app.handlerFor(repository), plain ? undefined : certified)
      log.info(`repository ${repository} listens on ${listener.address}`)
    }
    await letsEncrypt?.start(main.port)
    return {
      main,
      stop,
      close,
      reload() {
        for (const { tls } of opened) tls?.reload()
        letsEncrypt?.reload()
      },
    }
  } catch (error) {
    await stop(0)
    await close()
    throw error
  }
}

/** `obtained`: file with the certificate and the key that an authority gave us. */
function mainTls({ http: { tls } }: Config, obtained: string | undefined): TlsSettings | undefined {
  const certificate = obtained ?? tls.certificate
  if (certificate === undefined) return undefined
  return {
    certificate,
    key: obtained ?? tls.key!,
    clientCas: tls.clientcas,
    minimumTls: tls.minimumtls,
    cipherSuites: tls.ciphersuites,
    // Has a default of its own, which means nothing without authorities.
    clientAuth: tls.clientcas.length > 0 ? tls.clientauth : undefined,
  }
}
