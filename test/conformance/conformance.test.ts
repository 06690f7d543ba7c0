import { describe, test } from 'bun:test'
import { resolve } from 'node:path'
import { run as execute, Unavailable } from '../helpers/process.ts'
import { type Credentials, cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { groups, people, reader, startOpenldap } from '../services/openldap.ts'
import { type ConformanceResult, runClassicConformance, runConformance, type Verdict } from './run-conformance.ts'

type Run = (options: {
  host: string
  username?: string
  password?: string
  bearer: boolean
}) => Promise<ConformanceResult>

const suites: [string, Run][] = [
  ['distribution-spec dev', (options) => runConformance({ ...options, version: 'dev' })],
  ['distribution-spec 1.1', (options) => runConformance({ ...options, version: '1.1' })],
  ['distribution-spec 1.1.1, classic suite', runClassicConformance],
]

/** A server, and who the program is there. */
interface Door {
  server: Server
  credentials?: Credentials | undefined
  /** Clients are sent for tokens. */
  bearer: boolean
  close(): Promise<unknown>
}

/** How clients are let in, by the words for it. */
const ways: Record<string, () => Promise<Door>> = {
  open: () => open({ auth: 'none' }, false),
  'with a password': () => open({ auth: 'admin', env: { ENTREPOT_TOKENS_CHALLENGE: 'basic' } }, false),
  'with a token': () => open({ auth: 'admin', env: { ENTREPOT_TOKENS_CHALLENGE: 'bearer' } }, true),
  'as a robot': async () => {
    const door = await open({ auth: 'admin' }, true)
    const program = resolve(import.meta.dirname, '../../bin/entrepot')
    const limits = ['--repository', 'private', '--images', 'c*/**', '--actions', 'pull,push,delete']
    const env = { ...cleanEnvironment(), ENTREPOT_DATADIR: door.server.dataDir }
    const password = (await execute([program, 'robot', 'create', 'tester', ...limits], { env })).trim()
    return { ...door, credentials: { username: 'robot-tester', password } }
  },
  'as a user of a directory': async () => {
    const directory = await startOpenldap()
    const ldap = { url: `${directory.url}/${people}?uid`, ...reader, groups: { base: groups } }
    const grants = [{ group: 'developers', repository: 'private', role: 'maintainer', images: 'c*/**' }]
    const door = await open({ auth: 'admin', config: { version: 0.1, ldap, grants } }, true)
    const close = async () => {
      await door.close()
      await directory.stop()
    }
    return { ...door, credentials: { username: 'bob', password: 'bob-secret' }, close }
  },
}

async function open(options: Parameters<typeof startServer>[0], bearer: boolean): Promise<Door> {
  const server = await startServer(options)
  return { server, credentials: server.credentials, bearer, close: () => server.stop() }
}

for (const [way, enter] of Object.entries(ways)) {
  let door: Door
  try {
    door = await enter()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    test.skip(`${way}: ${error.message}`, () => {})
    continue
  }
  for (const [suite, run] of suites) {
    const name = `${suite}, ${way}`
    try {
      const { rows, steps } = await run({ host: door.server.host, ...door.credentials, bearer: door.bearer })
      describe(name, () => [...rows, ...steps].forEach(report))
    } catch (error) {
      if (error instanceof Unavailable) test.skip(`${name}: ${error.message}`, () => {})
      else
        test(name, () => {
          throw error
        })
    }
  }
  await door.close()
}

function report({ name, status, message }: Verdict): void {
  const body = () => {
    if (status === 'failed') throw new Error(message)
  }
  if (status === 'skipped') test.skip(`${name}: ${message}`, body)
  else test(name, body)
}
