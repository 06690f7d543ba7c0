import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Client, type Filter, ResultCodeError, SASL_MECHANISMS } from 'ldapts'
import type { LdapScope } from '../../config/ldap-url.ts'
import { describeTls, openTcp, openTls, type ServerAddress, type Trust } from './sockets.ts'
import { adviceFor, connectTrouble, DirectoryTrouble, isAbsent, resultInWords } from './trouble.ts'

/** How connections are made and how long they may take, in milliseconds. */
export interface ConnectionSettings extends Trust {
  startTls: boolean
  connectTimeout: number
  timeout: number
}

/** Tells a person what happens, one line at a time. */
export type Say = (line: string) => void

/** One entry of a directory. */
export interface Entry {
  dn: string
  /** The values of an attribute whose name is compared without case; none when it has none. */
  values(attribute: string): string[]
}

export interface Query {
  base: string
  scope: LdapScope
  filter: Filter
  attributes: string[]
  /** Most entries wanted. */
  limit: number
}

/**
 * One connection to one server, which is over when the server ends it: it never comes back without TLS or without a login. Methods
 * throw `DirectoryTrouble`; `alive` is false after that unless the server has answered, only not what was asked.
 */
export interface Connection {
  readonly server: string
  readonly alive: boolean
  /** A simple bind; undefined when it is granted, else the result code and the server's words. Never with an empty password. */
  bind(dn: string, password: string): Promise<{ code: number; message: string } | undefined>
  /** Referrals to other servers are not followed. */
  search(query: Query): Promise<Entry[]>
  close(): void
}

/** No answer to a question about one user is longer. */
const longestAnswer = 4 * 1024 * 1024

/** Connects, with TLS where it is asked for: StartTLS that the server does not grant is an error. Throws `DirectoryTrouble`. */
export async function openConnection(
  address: ServerAddress,
  settings: ConnectionSettings,
  say: Say,
): Promise<Connection> {
  const { label, secure } = address
  const tcp = openTcp(address)
  const doing = { now: 'connecting' }
  try {
    return await within(
      settings.connectTimeout,
      tcp.socket,
      label,
      () => doing.now,
      async () => {
        await tcp.opened
        if (!secure && !settings.startTls) {
          say(`connected to ${label}, without encryption`)
          return speak(tcp.socket, address, settings)
        }
        if (!secure) {
          doing.now = 'asking for StartTLS'
          await askForTls(tcp.socket, address)
        }
        doing.now = 'TLS'
        const { socket, opened } = openTls(tcp.socket, address, settings)
        await opened
        say(`connected to ${label}: ${describeTls(socket)}`)
        return speak(socket, address, settings)
      },
    )
  } catch (error) {
    tcp.socket.on('error', () => {}) // it is being destroyed, and what went wrong is known
    tcp.socket.destroy()
    if (error instanceof ResultCodeError)
      throw new DirectoryTrouble(`${label}: StartTLS is refused: ${resultInWords(error.code, error.message)}`, {
        advice: 'use ldaps:, or set the server up for StartTLS; passwords are not sent without it',
        cause: error,
      })
    throw connectTrouble(label, doing.now, error)
  }
}

/** RFC 4511 section 4.14. What the server may have said before TLS dies with the client that heard it. */
async function askForTls(socket: Socket, { label }: ServerAddress): Promise<void> {
  const before = clientOn(socket, label)
  await before.exop('1.3.6.1.4.1.1466.20037')
  for (const event of ['data', 'error', 'close', 'end', 'timeout']) socket.removeAllListeners(event)
  socket.on('error', () => {}) // what happens to it is told by the TLS socket on top
}

function clientOn(socket: Socket, label: string): Client {
  let given = false
  return new Client({
    url: 'ldap://unused',
    createConnection: () => {
      // The client would open another connection when this one is lost: without TLS, and as nobody.
      if (given) throw new DirectoryTrouble(`${label}: the connection is lost`)
      given = true
      return socket
    },
  })
}

function speak(socket: Socket | TLSSocket, { label }: ServerAddress, { timeout }: ConnectionSettings): Connection {
  const client = clientOn(socket, label)
  let alive = true
  let answered = 0
  const ended = () => {
    alive = false
  }
  for (const event of ['close', 'end', 'error']) socket.on(event, ended)
  socket.on('data', (data: Uint8Array) => {
    answered += data.length
    if (answered > longestAnswer) socket.destroy(new DirectoryTrouble(`${label}: an answer is too long`))
  })

  async function ask<T>(doing: string, question: () => Promise<T>): Promise<T> {
    if (!alive) throw new DirectoryTrouble(`${label}: the connection is lost`)
    answered = 0
    try {
      return await within(timeout, socket, label, () => doing, question)
    } catch (error) {
      const isAnswer = error instanceof ResultCodeError && !isAbsent(error.code)
      if (isAnswer) throw error
      alive = false
      socket.destroy()
      throw connectTrouble(label, doing, error)
    }
  }

  return {
    server: label,
    get alive() {
      return alive
    },
    async bind(dn, password) {
      // RFC 4513 section 5.1.2: a bind without a password succeeds, as nobody.
      if (password === '') throw new DirectoryTrouble(`${label}: a login without a password was about to be tried`)
      // The client takes these words for a kind of login, in which no password counts.
      if (SASL_MECHANISMS.some((word) => word === dn)) return { code: 49, message: 'no name' }
      try {
        await ask('login', () => client.bind(dn, password))
        return undefined
      } catch (error) {
        if (error instanceof ResultCodeError) return { code: error.code, message: error.message }
        throw error
      }
    },
    async search({ base, scope, filter, attributes, limit }) {
      try {
        const { searchEntries } = await ask('search', () =>
          client.search(base, { scope, filter, attributes, sizeLimit: limit, timeLimit: Math.ceil(timeout / 1000) }),
        )
        return searchEntries.map(toEntry)
      } catch (error) {
        if (!(error instanceof ResultCodeError)) throw error
        throw new DirectoryTrouble(`${label}: search below ${base}: ${resultInWords(error.code, error.message)}`, {
          advice: adviceFor(error.code),
          cause: error,
        })
      }
    },
    close() {
      alive = false
      socket.on('error', () => {}) // nobody is interested any more
      // An unbind has no answer (RFC 4511 section 4.3); the client ends the socket once it is written.
      client.unbind().catch(() => socket.destroy())
    },
  }
}

function toEntry({ dn, ...attributes }: { dn: string; [name: string]: unknown }): Entry {
  const byName = new Map<string, string[]>()
  for (const [name, value] of Object.entries(attributes)) {
    // Active Directory cuts long lists into `memberOf;range=0-1499`.
    const key = name.toLowerCase().replace(/;range=.*$/, '')
    const texts = [value].flat().filter((one) => typeof one === 'string')
    byName.set(key, [...(byName.get(key) ?? []), ...texts])
  }
  return { dn, values: (attribute) => byName.get(attribute.toLowerCase()) ?? [] }
}

/** Does some work on a socket, and destroys it when that takes too long. */
async function within<T>(
  ms: number,
  socket: Socket,
  label: string,
  doing: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const advice = 'look at the load of the directory, and at firewalls on the way'
    reject(new DirectoryTrouble(`${label}: ${doing()}: no answer within ${ms} ms`, { advice, late: true }))
    socket.destroy()
  }, ms)
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
