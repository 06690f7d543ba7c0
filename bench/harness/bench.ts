import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Comparison } from './comparison.ts'
import { launch, run, stop } from './process.ts'
import type { Content, Program, Registry, Settings } from './program.ts'
import type { Sizes } from './sizes.ts'

/** One kind of work that is measured. */
export interface Benchmark {
  name: string
  title: string
  /** How it is measured, in a paragraph of Markdown for the page. */
  method(sizes: Sizes): string
  run(bench: Bench): Promise<Comparison[]>
}

/** A program that serves. */
export interface Server {
  url: string
  pid: number
  settings: Settings
  /** From just before the process was started to its first good answer. */
  startSeconds: number
  /** What it wrote to both outputs. */
  logFile: string
  stop(): Promise<void>
}

/** What a benchmark works with: the two registries, its sizes, and a folder that is removed at the end. */
export interface Bench {
  subject: Registry
  peer: Registry
  sizes: Sizes
  /** A new empty folder. */
  folder(): string
  /** A file that holds `bytes`. */
  file(name: string, bytes: string | Buffer): string
  /** Starts a program on an empty or a given data folder and resolves once it serves. Whatever still runs when the benchmark ends is stopped. */
  start(program: Program, options?: StartOptions): Promise<Server>
  /** Start, work, stop, remove the data folder; also when the work fails. */
  serving<Value>(program: Program, options: StartOptions, work: (server: Server) => Promise<Value>): Promise<Value>
  /** A data folder filled with this content; filled once and shared by the benchmarks of a run. Do not start two servers on it. */
  filled(registry: Registry, content: Content): Promise<string>
  /** A certificate for 127.0.0.1 and its key, made by openssl. */
  certificate(): { certificate: string; key: string }
  /** An htpasswd file for `bench` with this bcrypt cost, and the header that passes it. */
  htpasswd(cost: number): { file: string; header: string }
}

/** `readyPath` replaces the program's own. */
export type StartOptions = Pick<Settings, 'tls' | 'htpasswd' | 'upstream' | 'variables'> & {
  dataDir?: string
  readyPath?: string
}

/** A bench that is set up and taken down by whoever runs the benchmarks. */
export interface OpenBench extends Bench {
  /** Stops every server that a benchmark left running. */
  stopServers(): Promise<void>
  /** Stops everything and removes the working folder. */
  close(): Promise<void>
}

/** Opens a working folder under `BENCH_DIR` (by default the system's folder for temporary files). */
export function openBench(subject: Registry, peer: Registry, sizes: Sizes): OpenBench {
  const root = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'entrepot-bench-'))
  const servers = new Set<Server>()
  const contents = new Map<string, Promise<string>>()
  let folders = 0

  const folder = () => {
    const path = join(root, `folder-${++folders}`)
    mkdirSync(path)
    return path
  }
  const file = (name: string, bytes: string | Buffer) => {
    const path = join(folder(), name)
    writeFileSync(path, bytes)
    return path
  }

  async function start(program: Program, options: StartOptions = {}): Promise<Server> {
    const { dataDir = newDataDir(), readyPath = program.readyPath, ...rest } = options
    const settings: Settings = { ...rest, dataDir, port: await freePort() }
    const { argv, env } = program.command(settings)
    const logFile = join(dataDir, '..', `${program.name}-${settings.port}.out`)
    const began = performance.now()
    const child = launch(argv, { ...env, ...settings.variables }, logFile)
    const url = `${settings.tls ? 'https' : 'http'}://127.0.0.1:${settings.port}`
    const server: Server = {
      url,
      pid: child.pid ?? 0,
      settings,
      startSeconds: 0,
      logFile,
      stop: async () => {
        servers.delete(server)
        await stop(child)
      },
    }
    servers.add(server)
    if (await answers(url + readyPath, () => child.exitCode === null && child.pid !== undefined)) {
      server.startSeconds = (performance.now() - began) / 1000
      return server
    }
    await server.stop()
    throw new Error(
      `${program.name} did not come up: ${execFileSync('tail', ['-n', '5', logFile], { encoding: 'utf8' })}`,
    )
  }

  async function stopServers(): Promise<void> {
    await Promise.all([...servers].map((server) => server.stop()))
  }

  function newDataDir(): string {
    const path = join(folder(), 'data')
    mkdirSync(path)
    return path
  }

  async function serving<Value>(program: Program, options: StartOptions, work: (server: Server) => Promise<Value>) {
    const server = await start(program, options)
    try {
      return await work(server)
    } finally {
      await server.stop()
      if (options.dataDir === undefined) rmSync(server.settings.dataDir, { recursive: true, force: true })
    }
  }

  async function fill(registry: Registry, content: Content): Promise<string> {
    const dataDir = newDataDir()
    const began = performance.now()
    let server: Server | undefined
    try {
      await registry.fill(dataDir, content, async () => {
        server = await start(registry, { dataDir })
        return server.url
      })
    } finally {
      await server?.stop()
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    console.error(`    filled ${registry.name} with ${content.count} ${content.kind} in ${seconds} s`)
    return dataDir
  }

  return {
    subject,
    peer,
    sizes,
    folder,
    file,
    start,
    serving,
    filled(registry, content) {
      const key = [registry === subject ? 'subject' : 'peer', content.kind, content.count].join(' ')
      const known = contents.get(key)
      if (known) return known
      const made = fill(registry, content)
      contents.set(key, made)
      return made
    },
    certificate() {
      const path = folder()
      const [certificate, key] = [join(path, 'certificate.pem'), join(path, 'key.pem')]
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
      const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
      execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', certificate, ...names], { stdio: 'ignore' })
      return { certificate, key }
    },
    htpasswd(cost) {
      const entry = execFileSync('htpasswd', ['-nbB', '-C', String(cost), 'bench', 'bench-secret'], {
        encoding: 'utf8',
      })
      return { file: file('htpasswd', entry), header: `Basic ${Buffer.from('bench:bench-secret').toString('base64')}` }
    },
    stopServers,
    async close() {
      await stopServers()
      await run(['rm', '-rf', root], { seconds: 600 })
    },
  }
}

/** Writes everything that is still only in memory to the disk of this folder. */
export async function syncFileSystem(folder: string): Promise<void> {
  await run(['sync', '-f', folder])
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function answers(url: string, alive: () => boolean): Promise<boolean> {
  const deadline = Date.now() + 60_000
  while (alive() && Date.now() < deadline) {
    const tls = { rejectUnauthorized: false }
    const signal = AbortSignal.timeout(2000)
    const status = await fetch(url, { tls, signal }).then(
      (response) => response.status,
      // Refused or reset: not listening yet.
      () => 0,
    )
    if (status === 200 || status === 401) return true
    await sleep(2)
  }
  return false
}
