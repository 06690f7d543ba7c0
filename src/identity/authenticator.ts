import { availableParallelism } from 'node:os'
import { AppError } from '../errors.ts'
import { type BasicCredentials, basicChallenge, parseBasic } from './basic.ts'
import { createCredentialNames } from './fingerprint.ts'
import { createGate } from './gate.ts'
import { type Authenticator, anonymous, type Client, type KnownPrincipal, type Principal } from './principal.ts'
import { isKnown, type UserRecord, type UserSource } from './sources.ts'
import { createThrottle, type Throttle } from './throttle.ts'

/** What an authenticator is made of. */
export interface AuthenticatorOptions {
  /** Asked in this order; the first that knows a name decides. Closed with the authenticator. */
  sources: UserSource[]
  /** Shown by clients that ask a person. */
  realm: string
  /** How long a success is remembered; the bound after which a change made by another instance holds here. */
  cacheSeconds?: number
  /** How many successes are remembered. */
  cacheEntries?: number
  /** Passwords verified at once on our own cores, and how many more may wait for their turn. */
  verifications?: { atOnce: number; waiting: number }
  /** The same for sources that are another machine's work: however slow that is, it holds up nobody else. */
  remoteVerifications?: { atOnce: number; waiting: number }
  throttle?: Throttle
  /** Milliseconds on a clock that only goes forward. */
  now?: () => number
}

/** `auth: none`: everyone is anonymous, whatever they send, and nobody is asked for a password. */
export const nobodyIsAsked: Authenticator = {
  challenge: undefined,
  authenticate: () => anonymous,
  close: async () => {},
}

/** What podman, skopeo and buildah send to a Basic challenge when nobody has logged in: an empty name and an empty password. */
const noCredentials = 'Basic Og=='

interface Remembered {
  principal: Principal
  /** On the clock of the options, in milliseconds. */
  until: number
}

/** A user, and the source that knew the password. */
interface Found {
  user: UserRecord
  source: UserSource
}

/** One verification under way, and the addresses of those who wait for it. */
interface Flight {
  verdict: Promise<Principal>
  addresses: Set<string>
}

/**
 * Answers `authenticate` for Basic credentials: from memory, without waiting, when the same header succeeded lately, else by asking
 * the sources. Besides what `Authenticator` promises it throws `unavailable` when a source cannot tell.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { sources, realm, cacheSeconds = 60, cacheEntries = 10_000, now = () => performance.now() } = options
  const { atOnce, waiting } = options.verifications ?? { atOnce: spareCores(), waiting: 100 }
  const throttle = options.throttle ?? createThrottle()
  const challenge = basicChallenge(realm)
  const remote = options.remoteVerifications ?? { atOnce: 32, waiting: 200 }
  const gates = { here: createGate(atOnce, waiting), remote: createGate(remote.atOnce, remote.waiting) }
  // Headers are not remembered themselves, so that passwords do not stay in memory.
  const nameOf = createCredentialNames()
  const remembered = new Map<string, Remembered>()
  const flights = new Map<string, Flight>()
  let generation = currentGeneration()

  function currentGeneration(): number {
    let sum = 0
    for (const source of sources) sum += source.generation()
    return sum
  }

  function authenticate(credentials: string | undefined, client: Client): Principal | Promise<Principal> {
    if (credentials === undefined || credentials === noCredentials) return anonymous
    forgetWhenChanged()
    const digest = nameOf(credentials)
    const known = remembered.get(digest)
    if (known && known.until > now()) return known.principal
    return verifyOnce(digest, credentials, client.clientAddress)
  }

  /** A verdict never outlives the users it was made from; one under way still answers those who asked before the change. */
  function forgetWhenChanged(): void {
    const current = currentGeneration()
    if (current === generation) return
    generation = current
    remembered.clear()
    flights.clear()
  }

  async function verifyOnce(digest: string, header: string, address: string): Promise<Principal> {
    const given = parse(header)
    refuseWhenThrottled(given.username, address)
    const flight = flights.get(digest) ?? takeOff(digest, given, address)
    flight.addresses.add(address)
    return flight.verdict
  }

  function takeOff(digest: string, given: BasicCredentials, address: string): Flight {
    const began = generation
    const addresses = new Set<string>()
    const counted = new Set<string>()
    const failed = () => {
      for (const place of addresses) if (!counted.has(place)) throttle.failed(given.username, place)
      for (const place of addresses) counted.add(place)
    }
    const verdict = (async () => {
      const found = await ask(given, address, failed)
      if (found) for (const place of addresses) throttle.succeeded(given.username, place)
      else failed()
      if (!found) throw refused('the user name or the password is wrong')
      const principal = principalOf(found.user, found.source)
      forgetWhenChanged()
      if (began === generation) remember(digest, principal)
      return principal
    })()
    const flight = { verdict, addresses }
    const land = () => {
      if (flights.get(digest) === flight) flights.delete(digest)
    }
    flights.set(digest, flight)
    verdict.then(land, land)
    return flight
  }

  /** The user, or undefined after as much work in every source as a failure there would have cost. `failed` is called before the next in line has a turn. */
  async function ask(
    { username, password }: BasicCredentials,
    address: string,
    failed: () => void,
  ): Promise<Found | undefined> {
    let deciding: UserSource | undefined
    for (const source of sources) {
      const isLast = source === sources.at(-1)
      const verdict = await inTurn(source, async () => {
        // While this waited for its turn, the guesses before it may have used up what is forgiven.
        refuseWhenThrottled(username, address)
        const found = await source.verify(username, password)
        if (found === 'wrong' || (found === 'unknown' && isLast)) failed()
        return found
      })
      if (verdict === 'unknown') continue
      if (verdict !== 'wrong' && (verdict.name === username || !(await isTaken(verdict.name, source))))
        return { user: verdict, source }
      deciding = source
      break
    }
    for (const source of sources) if (source !== deciding) await inTurn(source, () => source.decoy(username, password))
    return undefined
  }

  function inTurn<T>(source: UserSource, work: () => Promise<T>): Promise<T> {
    const turn = gates[source.remote ? 'remote' : 'here'].run(work)
    if (!turn) throw throttled('too many logins are being checked at this moment', 1)
    return turn
  }

  /** Whether a name belongs to a source before this one. A directory calls `ADMIN` what it knows as `admin`, who may be somebody else here. */
  function isTaken(name: string, by: UserSource): Promise<boolean> {
    return isKnown(name, sources.slice(0, sources.indexOf(by)))
  }

  function remember(digest: string, principal: Principal): void {
    remembered.delete(digest)
    remembered.set(digest, { principal, until: now() + cacheSeconds * 1000 })
    if (remembered.size > cacheEntries) remembered.delete(remembered.keys().next().value!)
  }

  function refuseWhenThrottled(username: string, address: string): void {
    const seconds = throttle.waitSeconds(username, address)
    if (seconds > 0) throw throttled('too many failed logins', seconds)
  }

  function parse(header: string): BasicCredentials {
    try {
      return parseBasic(header)
    } catch (error) {
      throw error instanceof AppError ? refused(error.message, error) : error
    }
  }

  function refused(message: string, cause?: unknown): AppError {
    return new AppError('unauthenticated', message, { cause, headers: { 'WWW-Authenticate': challenge } })
  }

  return {
    challenge,
    authenticate,
    async close() {
      remembered.clear()
      await Promise.all(sources.map((source) => source.close()))
    },
  }
}

/** Who a source's user is to everyone else. */
export function principalOf(user: UserRecord, source: Pick<UserSource, 'name'>): Readonly<KnownPrincipal> {
  return Object.freeze({
    kind: user.kind ?? 'user',
    name: user.name,
    admin: user.admin,
    groups: user.groups ?? [],
    ...(user.limits === undefined ? {} : { limits: user.limits }),
    credential: `${source.name}:${user.credential ?? ''}`,
  })
}

/**
 * Passwords are hashed on the pool that also opens and stats files; with as many hashes as cores every file operation waited
 * 200 ms for one of cost 12, with one core spared 2 ms.
 */
function spareCores(): number {
  return Math.max(1, Math.min(2, availableParallelism() - 1))
}

function throttled(what: string, seconds: number): AppError {
  return new AppError('throttled', `${what}; try again in ${seconds} s`, {
    headers: { 'Retry-After': String(seconds) },
  })
}
