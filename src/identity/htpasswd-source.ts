import { createHmac, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { basename, dirname } from 'node:path'
import { AppError } from '../errors.ts'
import type { Log } from '../telemetry/log.ts'
import { createSecretFile, readTextFile } from './durable-file.ts'
import { fingerprint } from './fingerprint.ts'
import { type Htpasswd, parseHtpasswd } from './htpasswd.ts'
import { hashForHtpasswd, randomPassword, verifyPassword } from './passwords.ts'
import type { UserSource } from './sources.ts'

/** The users of an htpasswd file, followed as the file changes. */
export interface HtpasswdSource extends UserSource {
  /** Set when there was no file and one was made: show this once, it is kept nowhere else. */
  readonly created: { username: string; password: string } | undefined
  /** Looks at the file now, whether or not it seems changed (SIGHUP). */
  reload(): void
}

/** Where the file is, and what the source needs of the world. */
export interface HtpasswdOptions {
  path: string
  log: Log
  /** Milliseconds on a clock that only goes forward. */
  now?: () => number
}

const checkEveryMs = 1000
/** bcrypt at the cost of `hashForHtpasswd`, of no password: what a decoy works on while a file has no users. */
const nobody = '$2b$10$7EqJtq98hPqEX7fNZaFWoO5cwUO0b2kZQMtDTM8mp8CKzEoOfjy6C'

/**
 * Opens an htpasswd file. Without one it makes one, with the user `docker` and a random password, as registry:2 does. Throws
 * `unavailable` when the file is there and cannot be read. Later trouble with the file keeps the users read last and is logged.
 */
export async function openHtpasswdSource(options: HtpasswdOptions): Promise<HtpasswdSource> {
  const { path, log, now = () => performance.now() } = options
  const created = await createWhenMissing(path)
  const decoyKey = randomBytes(32)
  const warned = new Set<string>()

  let users: Htpasswd = { entries: new Map(), warnings: [] }
  let hashes: string[] = []
  let text: string | undefined
  let seen = ''
  let generation = 0
  let checkAt = 0

  function read(): void {
    const file = readTextFile(path)
    if (!file) throw new AppError('unavailable', `the htpasswd file ${path} is gone`)
    // A file written within its clock's tick of being read may change once more without looking different: look again next time.
    const settled = Math.abs(Date.now() - file.stats.mtimeMs) > 2 * checkEveryMs
    seen = settled ? signature(file.stats) : ''
    if (file.text === text) return
    text = file.text
    users = parseHtpasswd(text)
    hashes = [...users.entries.values()].filter(({ kind }) => kind !== 'refused').map(({ hash }) => hash)
    generation++
    for (const warning of users.warnings) {
      if (!warned.has(warning)) log.warn(`htpasswd: ${warning}`, { path })
      warned.add(warning)
    }
  }

  function follow(): void {
    try {
      const before = generation
      read()
      if (generation !== before) log.info('htpasswd: file read again', { path, users: users.entries.size })
      warned.delete(path)
    } catch (cause) {
      seen = ''
      if (!warned.has(path)) log.warn('htpasswd: cannot read the file; the users read last stay', { path, err: cause })
      warned.add(path)
    }
  }

  function followIfDue(): void {
    const time = now()
    if (time < checkAt) return
    checkAt = time + checkEveryMs
    const stats = fs.statSync(path, { throwIfNoEntry: false })
    if (!stats || seen === '' || signature(stats) !== seen) follow()
  }

  /** Works on somebody's real hash, the same one each time for a name: costs differ within a file, and a name that is not there must look like any that is. */
  async function decoy(username: string, password: string): Promise<void> {
    const pick = createHmac('sha256', decoyKey).update(username).digest().readUInt32BE()
    await verifyPassword(password, hashes[pick % hashes.length] ?? nobody)
  }

  try {
    read()
  } catch (cause) {
    throw new AppError('unavailable', `the htpasswd file ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
  checkAt = now() + checkEveryMs
  if (users.entries.size === 0) log.warn('htpasswd: the file has no users, so nobody can log in', { path })
  const unwatch = watch(path, log, () => {
    checkAt = 0
  })

  return {
    name: 'htpasswd',
    created,
    generation() {
      followIfDue()
      return generation
    },
    async verify(username, password) {
      followIfDue()
      const entry = users.entries.get(username)
      if (!entry) return 'unknown'
      if (entry.kind === 'refused') {
        await decoy(username, password)
        return 'wrong'
      }
      if (!(await verifyPassword(password, entry.hash))) return 'wrong'
      return { name: username, admin: false, credential: fingerprint(entry.hash) }
    },
    async find(username, credential) {
      followIfDue()
      const entry = users.entries.get(username)
      if (!entry || entry.kind === 'refused') return undefined
      const record = { name: username, admin: false, credential: fingerprint(entry.hash) }
      return credential === undefined || record.credential === credential ? record : undefined
    },
    decoy,
    reload() {
      warned.clear()
      follow()
    },
    async close() {
      unwatch()
    },
  }
}

async function createWhenMissing(path: string): Promise<HtpasswdSource['created']> {
  if (fs.statSync(path, { throwIfNoEntry: false })) return undefined
  const password = randomPassword()
  fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const made = createSecretFile(path, `docker:${await hashForHtpasswd(password)}\n`)
  return made ? { username: 'docker', password } : undefined
}

function signature(stats: fs.Stats): string {
  return `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`
}

/** Watches the folder, since a file replaced by a rename takes its own watch away with it. The clock looks too, so failing is no harm. */
function watch(path: string, log: Log, changed: () => void): () => void {
  try {
    const name = basename(path)
    const watcher = fs.watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file === null || file === name) changed()
    })
    watcher.on('error', (err) =>
      log.warn('htpasswd: watching the folder failed; the file is checked every second', { path, err }),
    )
    return () => watcher.close()
  } catch (err) {
    log.warn('htpasswd: cannot watch the folder; the file is checked every second', { path, err })
    return () => {}
  }
}
