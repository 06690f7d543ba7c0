import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, type Outcome, run, temporaryFolder } from '../helpers/process.ts'
import { type GoToolName, goTool } from '../services/go-tools.ts'

/** A client built with Go, with a home folder of its own for credentials and settings. */
export interface GoClient {
  readonly folder: string
  run(...args: string[]): Promise<string>
  attempt(args: string[], input?: string): Promise<Outcome>
  close(): Promise<void>
}

/** Builds the client on first use. Throws `Unavailable` as `goTool` does. */
export async function openGoClient(name: GoToolName): Promise<GoClient> {
  const program = await goTool(name)
  const folder = temporaryFolder(name)
  const home = join(folder, 'home')
  mkdirSync(join(home, '.docker'), { recursive: true })
  const env = {
    ...process.env,
    HOME: home,
    DOCKER_CONFIG: join(home, '.docker'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_DATA_HOME: join(home, '.local'),
    REGCTL_CONFIG: join(home, 'regctl.json'),
    COSIGN_PASSWORD: '',
  }
  return {
    folder,
    run: (...args) => run([program, ...args], { env, cwd: folder, timeoutMs: 300_000 }),
    attempt: (args, input) => attempt([program, ...args], { env, cwd: folder, input, timeoutMs: 300_000 }),
    async close() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
