/** Counts failed logins and says when to stop listening. */
export interface Throttle {
  /** Seconds, rounded up, that this user must wait at this address; 0 when they may try. */
  waitSeconds(username: string, address: string): number
  failed(username: string, address: string): void
  /** Forgets the failures of this user at this address, and lets them in from there even while others there fail. */
  succeeded(username: string, address: string): void
}

/** How much is forgiven. Every delay is in seconds. */
export interface ThrottleOptions {
  /** Failures of one user at one address before the first delay. */
  perUser?: number
  /** Failures at one address, whatever the user. Larger, as many people share one address behind a gateway. */
  perAddress?: number
  firstDelay?: number
  /** Delays double up to this. */
  longestDelay?: number
  /** After so long without a failure all is forgotten. */
  forget?: number
  /** How many users and addresses are remembered; the ones seen longest ago go first. */
  remember?: number
  /** Milliseconds on a clock that only goes forward. */
  now?: () => number
}

interface Counter {
  failures: number
  /** When it was last touched, and when the delay ends: milliseconds on the clock of the options. */
  last: number
  until: number
  /** Logged in from here before. */
  welcome: boolean
}

/**
 * Throttles guessing. Nobody is locked out of everywhere: failures count for a user at the address they came from, and for that
 * address alone. Kept in memory, so each instance counts for itself.
 */
export function createThrottle(options: ThrottleOptions = {}): Throttle {
  const { perUser = 10, perAddress = 50, firstDelay = 1, longestDelay = 300, forget = 900, remember = 10_000 } = options
  const { now = () => performance.now() } = options
  const users = createCounters(perUser)
  const addresses = createCounters(perAddress)

  function createCounters(free: number) {
    const counters = new Map<string, Counter>()
    const find = (key: string): Counter | undefined => {
      const counter = counters.get(key)
      if (!counter || now() - counter.last < forget * 1000) return counter
      return { ...counter, failures: 0, until: 0 }
    }
    const store = (key: string, counter: Omit<Counter, 'last'>) => {
      counters.delete(key)
      counters.set(key, { ...counter, last: now() })
      if (counters.size > remember) counters.delete(counters.keys().next().value!)
    }
    return {
      find,
      forgive: (key: string) => store(key, { failures: 0, until: 0, welcome: true }),
      count(key: string) {
        const { failures, welcome } = find(key) ?? { failures: 0, welcome: false }
        const delay = failures + 1 < free ? 0 : Math.min(longestDelay, firstDelay * 2 ** (failures + 1 - free))
        store(key, { failures: failures + 1, until: now() + delay * 1000, welcome })
      },
    }
  }

  return {
    waitSeconds(username, address) {
      const place = placeOf(address)
      const user = users.find(userKey(username, place))
      const until = Math.max(user?.until ?? 0, user?.welcome ? 0 : (addresses.find(place)?.until ?? 0))
      return Math.max(0, Math.ceil((until - now()) / 1000))
    },
    failed(username, address) {
      const place = placeOf(address)
      users.count(userKey(username, place))
      // Without an address (a unix socket) everyone would be one stranger.
      if (place !== '') addresses.count(place)
    },
    succeeded(username, address) {
      users.forgive(userKey(username, placeOf(address)))
    },
  }
}

/** One subscriber: an IPv4 address, or the 64 bits of an IPv6 address that its network hands out as one. */
function placeOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const groups = [...left, ...zeros, ...right].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}

function userKey(username: string, place: string): string {
  return `${place} ${username}`
}
