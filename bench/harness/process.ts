import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Variables that would reconfigure a registry behind the benchmark's back are not passed on. */
function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(REGISTRY|ENTREPOT|OTEL)_/.test(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']))
}

/** Starts a program in the background with both outputs appended to `logFile`. */
export function launch(argv: readonly string[], env: Record<string, string>, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a')
  const child = spawn(argv[0]!, argv.slice(1), {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.on('error', (error) => console.error(`bench: ${argv[0]} could not be started: ${error.message}`))
  return child
}

/** Asks the process to end, and ends it after `patienceSeconds`. Resolves once it is gone; harmless when it already is. */
export async function stop(child: ChildProcess, patienceSeconds = 15): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceSeconds * 1000)
  await gone
  clearTimeout(timer)
}

/** Runs a tool to its end and answers its standard output. Throws with its standard error when it fails or takes too long. */
export async function run(argv: readonly string[], options: { seconds?: number; env?: Record<string, string> } = {}) {
  const { seconds = 120, env = {} } = options
  const child = spawn(argv[0]!, argv.slice(1), {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
  })
  return output(child, argv.join(' '))
}

/** A client of our own in a process of its own, so that it shares nothing with the harness. */
export interface Client<Answer> {
  /** Resolves when the client has written its first line, or has ended. */
  started: Promise<void>
  /** Asks it to stop early and still answer. */
  finish(): void
  answer: Promise<Answer>
}

/** Starts `bench/clients/<name>.ts` with `task` as JSON; its last line is its answer as JSON. Ended after `seconds`. */
export function startClient<Answer>(name: string, task: object, seconds: number): Client<Answer> {
  const script = join(import.meta.dir, '../clients', `${name}.ts`)
  const argv = [process.execPath, '--no-install', script, JSON.stringify(task)]
  const child = spawn(argv[0]!, argv.slice(1), {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
  })
  const answer = output(child, `client ${name}`).then(
    (text) => JSON.parse(text.trimEnd().split('\n').at(-1)!) as Answer,
  )
  // Whoever never awaits an answer (because something else failed first) must not bring the process down.
  answer.catch(() => undefined)
  const started = new Promise<void>((resolve) => {
    child.stdout.once('data', () => resolve())
    child.once('close', () => resolve())
  })
  return { started, finish: () => child.kill('SIGTERM'), answer }
}

/** Memory held by a process and its descendants, in MB (10^6 bytes), as `VmRSS` counts it. Throws when the process is gone. */
export function residentMegabytes(pid: number): number {
  const own = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (!own) throw new Error(`process ${pid} has ended`)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return (Number(own[1]) * 1024) / 1e6 + children.reduce((sum, child) => sum + residentMegabytes(Number(child)), 0)
}

async function output(child: ChildProcess, what: string): Promise<string> {
  const chunks: { out: string; err: string } = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    chunks.out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    chunks.err = (chunks.err + text).slice(-4000)
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code !== 0) throw new Error(`${what} ended with ${signal ?? `code ${code}`}: ${chunks.err.trim()}`)
  return chunks.out
}
