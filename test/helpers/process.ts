import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Something that cannot be had on this machine, and why: a test that needs it is skipped and says so. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** What a finished command said. `stdout` and `stderr` are whole and untrimmed. */
export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Options of `run` and `attempt`. */
export interface RunOptions {
  /** Replaces the environment when given; `process.env` otherwise. */
  env?: NodeJS.ProcessEnv | undefined
  cwd?: string | undefined
  /** Written to the command's standard input, which is closed afterwards. */
  input?: string | Uint8Array | undefined
  /** After this long the command and all its children are killed. Milliseconds, default 120,000. */
  timeoutMs?: number | undefined
}

/** A process that runs until told to stop. */
export interface Daemon {
  readonly pid: number
  /** Everything it printed so far, both streams. */
  log(): string
  /** True until it has ended, however that came about. */
  alive(): boolean
  /** Resolves with the exit code, or -1 when a signal ended it. */
  readonly exited: Promise<number>
  /** Sends `signal` (default SIGTERM), waits `graceMs` (default 15,000), then kills. Resolves when it is gone. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<number>
}

// A test that is itself killed must not leave its servers behind: the kernel ends them with it.
const setpriv = '/usr/bin/setpriv'
const tether = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'TERM', '--'] : []

/** Starts `command` in a process group of its own, with both output streams appended to `logFile`. */
export function startDaemon(
  command: string[],
  { logFile, env = process.env, cwd }: { logFile: string; env?: NodeJS.ProcessEnv; cwd?: string },
): Daemon {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a')
  const [program, ...args] = [...tether, ...command] as [string, ...string[]]
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  let running = true
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => {
      running = false
      reject(new Error(`cannot start ${command[0]}: ${error.message}`))
    })
    child.once('exit', (code) => {
      running = false
      resolve(code ?? -1)
    })
  })
  exited.catch(() => {}) // whoever awaits `exited` or `stop` still sees it
  return {
    pid: child.pid ?? -1,
    log: () => readFileSync(logFile, 'utf8'),
    alive: () => running,
    exited,
    async stop(signal = 'SIGTERM', graceMs = 15_000) {
      if (!running) return exited
      child.kill(signal)
      const timer = setTimeout(() => killGroup(child.pid), graceMs)
      try {
        return await exited
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Runs a command to its end and reports how it went, whatever its exit code. Throws when it cannot start or takes too long. */
export function attempt(command: string[], options: RunOptions = {}): Promise<Outcome> {
  const { env = process.env, cwd, input, timeoutMs = 120_000 } = options
  return new Promise((resolve, reject) => {
    const [program, ...args] = [...tether, ...command] as [string, ...string[]]
    const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString()
    let late = false
    const timer = setTimeout(() => {
      late = true
      killGroup(child.pid)
    }, timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`cannot start ${command[0]}: ${error.message}`))
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      if (late)
        reject(new Error(`${command.join(' ')} was killed after ${timeoutMs} ms\n${text(stderr)}${text(stdout)}`))
      else resolve({ code: code ?? -1, stdout: text(stdout), stderr: text(stderr) })
    })
    child.stdin.once('error', () => {}) // a command that ends without reading its input is no mistake
    child.stdin.end(input ?? '')
  })
}

/** Runs a command that must succeed and returns its standard output. Throws with everything it printed when it does not. */
export async function run(command: string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, options)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${stderr}${stdout}`)
  return stdout
}

/** Asks `condition` every 20 ms until it is true. Throws naming `what` after `timeoutMs`. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A TCP port that was free on 127.0.0.1 a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}

/** A new empty folder under the system's temporary folder, its path short and in lower case (podman wants both). Whoever asks for it removes it; the test runner removes what is forgotten. */
export function temporaryFolder(purpose: string): string {
  const folder = join(tmpdir(), `ent-${purpose}-${randomBytes(4).toString('hex')}`)
  mkdirSync(folder, { mode: 0o711 }) // others may pass through, as PostgreSQL's own user has to
  return folder
}
