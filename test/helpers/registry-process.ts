import { type Daemon, waitFor } from './process.ts'

export interface Credentials {
  username: string
  password: string
}

export interface ServerOptions {
  /** Added to an environment from which every inherited `REGISTRY_*` and `ENTREPOT_*` variable was taken out. */
  env?: Record<string, string>
  /** Configuration file: an object written as YAML, or the text itself. */
  config?: Record<string, unknown> | string
  /** More arguments after `serve`. */
  args?: string[]
  /** Default: a free one. */
  port?: number
  /** Default: a temporary folder that `stop` removes. A folder given here is never removed. */
  dataDir?: string
  /**
   * `none` (the default unless `env` or `config` speak of auth): open to everyone. `admin`: as on a first start, credentials in
   * `credentials`.
   */
  auth?: 'none' | 'admin'
  /** What stands before `/v2/` when the configuration sets `http.prefix`: `/registry`. Only told to docker-registry, whose readiness is asked there. */
  prefix?: string
  /** How long the server may take until `/readyz` answers 200. Milliseconds, default 20,000. */
  readyMs?: number
}

/** A registry under test, running. */
export interface Server {
  /** `http://127.0.0.1:PORT`, or https when TLS was configured. No slash at the end. */
  readonly url: string
  /** `127.0.0.1:PORT`, as it stands in image names. */
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  /** Of the first admin, when started with `auth: 'admin'`. */
  readonly credentials: Credentials | undefined
  /** What it printed so far. */
  log(): string
  /** Sends `signal` (default SIGTERM) and waits until it is gone; resolves with the exit code. Removes a temporary data folder. */
  stop(signal?: NodeJS.Signals): Promise<number>
  /** Kills it without warning and waits until it is gone. Leaves the data folder, for the next start with `dataDir`. */
  kill9(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface Launch {
  port: number
  dataDir: string
  scheme: 'http' | 'https'
  readyPath: string
  readyMs: number
  credentials: () => Credentials | undefined
  afterStop: () => void
}

/** Waits until a freshly started registry answers below 500 on `readyPath` and wraps it up. Shared with the stand-in. */
export async function readyServer(daemon: Daemon, launch: Launch): Promise<Server> {
  const { port, dataDir, scheme } = launch
  const host = `127.0.0.1:${port}`
  const url = `${scheme}://${host}`
  try {
    await waitFor(`${url}${launch.readyPath}`, () => isReady(daemon, `${url}${launch.readyPath}`), launch.readyMs)
  } catch (error) {
    const end = daemon.log().slice(-4000)
    await daemon.stop('SIGKILL')
    launch.afterStop()
    throw new Error(`the registry did not become ready: ${(error as Error).message}\n${end}`, { cause: error })
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const code = await daemon.stop(signal, 30_000)
    launch.afterStop()
    return code
  }
  return {
    url,
    host,
    port,
    pid: daemon.pid,
    dataDir,
    credentials: launch.credentials(),
    log: daemon.log,
    stop,
    async kill9() {
      await daemon.stop('SIGKILL')
    },
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

async function isReady(daemon: Daemon, url: string): Promise<boolean> {
  if (!daemon.alive()) throw new Error(`it ended with ${await daemon.exited}`)
  try {
    // Readiness is asked of our own child on loopback; whether its certificate convinces anyone is for tests to say.
    const response = await fetch(url, { keepalive: false, tls: { rejectUnauthorized: false } })
    await response.arrayBuffer()
    return response.status < 400 || response.status === 401
  } catch {
    return false // not listening yet
  }
}

/** `process.env` without what would configure a registry. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(REGISTRY|ENTREPOT)_/.test(name)))
}
