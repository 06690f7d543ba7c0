import { BlockList, isIP } from 'node:net'

/** Tells whether an address lies in one of the networks. Addresses inside other addresses (`::ffff:10.0.0.1`) count as what they stand for. */
export type Networks = (address: string) => boolean

/** From `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`. Throws RangeError naming the one that is neither an address nor a range. */
export function createNetworks(ranges: Iterable<string>): Networks {
  const list = new BlockList()
  for (const range of ranges) {
    const network = parseNetwork(range)
    if (!network) throw new RangeError(`"${range}" is neither an address nor a range; write 10.0.0.0/8 or 192.0.2.7`)
    list.addSubnet(network.address, network.bits, network.family)
  }
  return (address) => {
    const plain = plainAddress(address)
    return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Undefined when the text is neither an address nor a range of them. */
export function parseNetwork(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
  if (family === 0 || rest.length > 0 || length < 0 || length > longest) return undefined
  return { address, bits: length, family: family === 6 ? 'ipv6' : 'ipv4' }
}

/** The address in a URL's host name, brackets taken off; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) ? bare : undefined
}

/** An IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4) as itself; others without their zone. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase()
  if (isIP(bare) !== 6) return bare
  const words = expand(bare)
  const [a, b, c, d, e, f, high = 0, low = 0] = words
  const zeros = a === 0 && b === 0 && c === 0 && d === 0 && e === 0
  if (zeros && f === 0xffff) return ipv4(high, low)
  if (zeros && f === 0 && high !== 0) return ipv4(high, low)
  if (a === 0x64 && b === 0xff9b) return ipv4(high, low)
  if (a === 0x2002) return ipv4(b ?? 0, c ?? 0)
  return bare
}

function expand(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address
  const [head = '', tail] = text.split('::')
  const words = (part: string | undefined) => (part ? part.split(':').map((word) => Number.parseInt(word, 16)) : [])
  const left = words(head)
  const right = words(tail)
  return [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right]
}

function ipv4(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
