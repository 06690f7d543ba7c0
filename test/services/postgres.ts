import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { freePort, run, startDaemon, temporaryFolder, waitFor } from '../helpers/process.ts'
import { installPackages, missingPackages } from './packages.ts'

/** A PostgreSQL cluster of our own. */
export interface PostgresService {
  /** Of an empty database `entrepot`. */
  readonly url: string
  /** Makes another empty database and returns its URL. */
  createDatabase(name: string): Promise<string>
  log(): string
  stop(): Promise<void>
}

const version = '15'
const programs = `/usr/lib/postgresql/${version}/bin`
const password = 'test-secret'
const createCluster = '/etc/postgresql-common/createcluster.d'

export interface PostgresOptions {
  /** Waits for the disk on every commit. Default false: quick, and what it holds is thrown away anyway. */
  durable?: boolean
}

/** Starts PostgreSQL 15 on a free port of 127.0.0.1, as the system user `postgres` (it refuses to run as root). */
export async function startPostgres({ durable = false }: PostgresOptions = {}): Promise<PostgresService> {
  await installPostgres()
  const folder = temporaryFolder('postgres')
  const data = join(folder, 'data')
  mkdirSync(data)
  const as = await serviceUser(folder, data)
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password)
  chmodSync(passwordFile, 0o644)
  const initdb = [
    '-D',
    data,
    '-U',
    'postgres',
    `--pwfile=${passwordFile}`,
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ]
  await run([...as, `${programs}/initdb`, ...initdb, '--no-sync'], { cwd: folder })
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    fsync: durable ? 'on' : 'off',
    shared_buffers: '32MB',
    max_connections: '100',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const daemon = startDaemon([...as, `${programs}/postgres`, '-D', data, '-p', `${port}`, ...flags], {
    logFile: join(folder, 'log'),
    cwd: folder,
  })
  const stop = async () => {
    await daemon.stop('SIGINT') // the fast way down: ends sessions instead of waiting for them
    rmSync(folder, { recursive: true, force: true })
  }
  const urlOf = (name: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${name}`
  const query = async (text: string) => {
    const client = new pg.Client(urlOf('postgres'))
    try {
      await client.connect()
      await client.query(text)
    } finally {
      await client.end()
    }
  }
  const createDatabase = async (name: string) => {
    await query(`CREATE DATABASE "${name}"`)
    return urlOf(name)
  }
  try {
    await waitFor('PostgreSQL', async () => {
      if (!daemon.alive()) throw new Error(`PostgreSQL ended\n${daemon.log().slice(-3000)}`)
      return query('SELECT 1').then(
        () => true,
        () => false, // not up yet
      )
    })
    return { url: await createDatabase('entrepot'), createDatabase, log: daemon.log, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Sees to it that PostgreSQL is there, without a cluster for the whole machine. Throws `Unavailable` as `installPackages` does. */
export async function installPostgres(): Promise<void> {
  const packages = [`postgresql-${version}`, `postgresql-client-${version}`]
  if ((await missingPackages(packages)).length === 0) return
  // The package would make and own a cluster for the whole machine.
  if (process.getuid?.() === 0 && !existsSync(createCluster)) {
    mkdirSync(createCluster, { recursive: true })
    writeFileSync(join(createCluster, 'no-main-cluster.conf'), 'create_main_cluster = false\n')
  }
  await installPackages(...packages)
}

/** What to put before a command so that it runs as `postgres`, who then owns `data` and may enter `folder`. Nothing when we are not root. */
async function serviceUser(folder: string, data: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return []
  const id = async (flag: string) => Number(await run(['id', flag, 'postgres']))
  const [user, group] = [await id('-u'), await id('-g')]
  for (const path of [folder, data]) chownSync(path, user, group)
  return ['setpriv', '--pdeathsig', 'INT', '--reuid', `${user}`, '--regid', `${group}`, '--init-groups', '--']
}
