import { lookup as systemLookup } from 'node:dns/promises'
import { AppError } from '../errors.ts'
import { createNetworks, literalAddress, parseNetwork } from './addresses.ts'

export interface GuardSettings {
  /** Host names, addresses and ranges that may be reached although they are refused by default: `169.254.10.0/24`, `metadata.corp.local`. */
  allow?: readonly string[] | undefined
  /** Whether loopback and private ranges may be reached. Default true: companies' registries are there. */
  allowPrivate?: boolean | undefined
}

/** Finds the addresses of a name. Rejects as `dns.lookup` does when there are none. */
export type Lookup = (hostname: string) => Promise<string[]>

/** Says where outbound requests may go. */
export interface Guard {
  /**
   * Throws `policy-refused` when the URL leads somewhere forbidden. Resolves with the addresses that were checked, to be connected to as they are: a
   * second lookup could give others (DNS rebinding). With `viaProxy` the proxy does the lookup, so only names and literal addresses are checked, and
   * what the proxy makes of a name is its own to guard; then, and for a literal address, it resolves with undefined.
   */
  check(url: URL, options?: { viaProxy?: boolean | undefined }): Promise<string[] | undefined>
}

/** Link-local, unspecified, multicast, broadcast, and where clouds keep their machines' credentials outside of link-local. */
const forbidden = createNetworks([
  '169.254.0.0/16',
  'fe80::/10',
  '0.0.0.0/8',
  '::/128',
  '224.0.0.0/4',
  '255.255.255.255',
  'ff00::/8',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
])
const forbiddenNames = /^(?:metadata|metadata\.google\.internal|metadata\.goog|instance-data(?:\..*)?)$/
const privateRanges = createNetworks([
  '127.0.0.0/8',
  '::1',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
])

/** Throws RangeError for a range in `allow` that is none. */
export function createGuard(settings: GuardSettings = {}, lookup: Lookup = systemAddresses): Guard {
  const { allow = [], allowPrivate = true } = settings
  const isNetwork = (entry: string) => parseNetwork(entry) !== undefined || entry.includes('/')
  const allowedNetworks = createNetworks(allow.filter(isNetwork))
  const allowedNames = new Set(allow.filter((entry) => !isNetwork(entry)).map(plainName))

  function checkAddress(address: string, host: string): void {
    if (allowedNetworks(address)) return
    const named = address === host ? address : `${host} (${address})`
    if (forbidden(address)) throw refused(named, 'a link-local, metadata or unspecified address')
    if (!allowPrivate && privateRanges(address)) throw refused(named, 'a private address')
  }

  return {
    async check(url, { viaProxy = false } = {}) {
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw new AppError('policy-refused', `outbound requests use http or https, not ${url.protocol}`)
      }
      const host = plainName(url.hostname)
      const literal = literalAddress(host)
      if (literal !== undefined) {
        checkAddress(literal, literal)
        return undefined
      }
      if (allowedNames.has(host)) return viaProxy ? undefined : lookup(host)
      if (forbiddenNames.test(host)) throw refused(host, 'a metadata service')
      if (viaProxy) return undefined
      const addresses = await lookup(host)
      // One bad address is enough: a name that leads both ways is set up to mislead.
      for (const address of addresses) checkAddress(address, host)
      return addresses
    },
  }
}

async function systemAddresses(hostname: string): Promise<string[]> {
  const found = await systemLookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

function refused(host: string, what: string): AppError {
  return new AppError(
    'policy-refused',
    `outbound requests may not reach ${host}, ${what}; add it to outbound.allow if it has to be`,
    {
      detail: { host },
    },
  )
}
