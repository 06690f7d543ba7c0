import { createGate } from '../gate.ts'
import { type Connection, openConnection, type Say } from './connection.ts'
import type { DirectorySettings } from './settings.ts'
import { adviceFor, DirectoryTrouble, resultInWords } from './trouble.ts'

/** The servers of one directory as one. Methods throw `DirectoryTrouble` when none of them will do. */
export interface Directory {
  /** Works on a connection that may search, kept from before if there is one. `work` may run again when a connection breaks: it only reads. */
  read<T>(work: (connection: Connection) => Promise<T>, say?: Say): Promise<T>
  /** Works on a connection that nobody has logged in on and that is closed afterwards. `work` may run again on the next server. */
  apart<T>(work: (connection: Connection) => Promise<T>, say?: Say): Promise<T>
  close(): Promise<void>
}

/** A server that failed is passed over for so long, so that not every login waits for it. Milliseconds. */
const restMs = 5000
/** A connection that nobody used for so long is closed before a firewall forgets it. Milliseconds. */
const keptMs = 60_000
const waiting = 1000

/** What is said while nobody listens. */
const unheard: Say = () => {}

interface Kept {
  connection: Connection
  timer: NodeJS.Timeout
}

/** Opens nothing by itself: the first question does. `now` is milliseconds on a clock that only goes forward. */
export function createDirectory(settings: DirectorySettings, now = () => performance.now()): Directory {
  const { servers, login } = settings
  const gate = createGate(settings.connections, waiting)
  const rest = new Map<string, { until: number; trouble: DirectoryTrouble }>()
  const kept: Kept[] = []
  let closed = false

  function letRest({ server }: { server: string }, trouble: DirectoryTrouble): void {
    rest.set(server, { until: now() + restMs, trouble })
  }

  /**
   * Tries the servers that are not resting, in order. A server that answers, be it with an error, is no reason to try another: what
   * one name can provoke must not keep the others out.
   */
  async function onAnyServer<T>(work: (connection: Connection) => Promise<T>, say: Say): Promise<T> {
    let trouble: DirectoryTrouble | undefined
    for (const server of servers) {
      const resting = rest.get(server.label)
      if (resting && resting.until > now()) {
        trouble ??= resting.trouble
        continue
      }
      let connection: Connection | undefined
      try {
        connection = await openConnection(server, settings, say)
        const result = await work(connection)
        rest.delete(server.label)
        return result
      } catch (error) {
        const answers = connection?.alive ?? false
        connection?.close()
        if (!(error instanceof DirectoryTrouble)) throw error
        say(`failed: ${error.message}`)
        if (error.advice) say(`  what to do: ${error.advice}`)
        if (answers) throw error
        letRest({ server: server.label }, error)
        trouble = error
      }
    }
    throw trouble ?? new DirectoryTrouble('no server is configured')
  }

  async function logIn(connection: Connection, say: Say): Promise<void> {
    if (login.by !== 'account') return
    const refusal = await connection.bind(login.dn, login.password)
    if (!refusal) return say(`logged in as ${login.dn}`)
    // Not to be tried again at once: the account could be locked.
    connection.close()
    throw new DirectoryTrouble(
      `${connection.server}: the searching account ${login.dn} is refused: ${resultInWords(refusal.code, refusal.message)}`,
      { advice: adviceFor(refusal.code) },
    )
  }

  function keep(connection: Connection): void {
    if (closed || !connection.alive) {
      connection.close()
      return
    }
    const timer = setTimeout(() => {
      kept.splice(kept.indexOf(entry), 1)
      connection.close()
    }, keptMs)
    timer.unref()
    const entry: Kept = { connection, timer }
    kept.push(entry)
  }

  function takeKept(): Connection | undefined {
    for (let entry = kept.pop(); entry; entry = kept.pop()) {
      clearTimeout(entry.timer)
      if (entry.connection.alive) return entry.connection
      entry.connection.close()
    }
    return undefined
  }

  async function onKept<T>(work: (connection: Connection) => Promise<T>, say: Say): Promise<T> {
    const connection = takeKept()
    if (connection) {
      try {
        const result = await work(connection)
        keep(connection)
        return result
      } catch (error) {
        if (connection.alive || !(error instanceof DirectoryTrouble)) {
          keep(connection)
          throw error
        }
        // The server may just have closed it: a new one is worth a try, unless it was silence that ended it.
        if (error.late) letRest(connection, error)
      }
    }
    return onAnyServer(async (fresh) => {
      await logIn(fresh, say)
      const result = await work(fresh)
      keep(fresh)
      return result
    }, say)
  }

  return {
    read(work, say = unheard) {
      const reading = gate.run(() => onKept(work, say))
      if (!reading) throw new DirectoryTrouble(`more than ${waiting} searches wait for ${settings.name}`)
      return reading
    },
    apart: (work, say = unheard) =>
      onAnyServer(async (connection) => {
        const result = await work(connection)
        connection.close()
        return result
      }, say),
    async close() {
      closed = true
      for (const { connection, timer } of kept.splice(0)) {
        clearTimeout(timer)
        connection.close()
      }
    },
  }
}
