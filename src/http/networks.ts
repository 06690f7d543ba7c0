import { BlockList, isIP } from 'node:net'

/** Addresses seen are few (proxies, or clients up to this many); beyond it the memory of verdicts starts afresh. */
const remembered = 10_000

/**
 * Whether an address belongs to one of some addresses and networks: `['127.0.0.0/8', '10.1.2.3', 'fd00::/8']`. An IPv4 address that is written as an IPv6 one
 * (`::ffff:192.0.2.1`) is that IPv4 address; what is no address, such as the empty text of a unix socket, belongs to none. Throws RangeError for a malformed
 * network, which it calls `what`.
 */
export function createNetworks(networks: readonly string[], what: string): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) addNetwork(list, network, what)
  const verdicts = new Map<string, boolean>()
  return (given) => {
    const known = verdicts.get(given)
    if (known !== undefined) return known
    if (verdicts.size >= remembered) verdicts.clear()
    const address = plainIPv4(given).replace(/%.*$/, '')
    const family = isIP(address)
    const verdict = family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
    verdicts.set(given, verdict)
    return verdict
  }
}

/** A socket that listens on `::` shows IPv4 peers as `::ffff:192.0.2.1`. */
export function plainIPv4(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function addNetwork(list: BlockList, network: string, what: string): void {
  const [address = '', bits, ...rest] = network.trim().split('/')
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  const length = bits === undefined ? longest : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : -1
  if (family === 0 || rest.length > 0 || length < 0 || length > longest)
    throw new RangeError(`${what} "${network}" is neither an address nor a network; write 10.0.0.0/8 or 192.0.2.7`)
  list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4')
}
