import { type Check, checkFile } from './check.ts'
import type { Address } from './kinds.ts'

/** Connectors: that each is one kind, leads to a repository, and has an address that nobody else has. */
export function checkConnectors({ settings, wrong, failed }: Check): void {
  const { connectors, repositories, defaultRepository, http } = settings
  if (failed('connectors') || failed('http')) return
  const names = new Set([...repositories.map((repository) => repository?.name), defaultRepository])
  const taken = new Map<string, string>()
  const take = (path: string, address: Address) => {
    if (!('socket' in address) && address.port === 0) return
    for (const [other, at] of taken) {
      if (clashes(address, JSON.parse(other))) wrong(path, undefined, `is the address of ${at}`, 'choose another port')
    }
    taken.set(JSON.stringify(address), path)
  }
  take('http.addr', http.addr)
  if (http.debug.addr) take('http.debug.addr', http.debug.addr)
  if (http.tls.letsencrypt.hosts.length > 0)
    take('http.tls.letsencrypt.challengeaddr', http.tls.letsencrypt.challengeaddr)
  const hosts = new Map<string, string>()
  for (const [index, { repository, addr, host, plain, tls }] of connectors.entries()) {
    const path = `connectors[${index}]`
    if (!names.has(repository)) {
      const fix = `declare it under repositories, or use one of: ${[...names].join(', ')}`
      wrong(`${path}.repository`, repository, 'is no repository', fix)
    }
    if (!addr === !host) {
      const reason = addr ? 'has both addr and host' : 'has neither addr nor host'
      wrong(path, undefined, reason, 'write addr for a listener of its own, or host for a name on the main one')
    }
    if (addr) take(`${path}.addr`, addr)
    if (host && hosts.has(host)) wrong(`${path}.host`, host, `is the host of ${hosts.get(host)}`, 'name each host once')
    if (host) hosts.set(host, path)
    if (host && http.host)
      wrong(`${path}.host`, host, 'means nothing beside http.host, which stands for all hosts', 'leave out http.host')
    if ((tls.certificate || tls.key || plain) && !addr)
      wrong(path, undefined, 'has TLS settings without addr', 'set them at http.tls, whose listener is used')
    if (plain && (tls.certificate || tls.key)) wrong(`${path}.plain`, 'true', 'is set beside a certificate', 'keep one')
    if (!tls.certificate !== !tls.key)
      wrong(`${path}.tls`, undefined, 'has a certificate without a key, or the reverse', 'set both, or neither')
    checkFile(`${path}.tls.certificate`, tls.certificate, wrong)
    checkFile(`${path}.tls.key`, tls.key, wrong)
  }
}

/** Whether both cannot be listened on: an empty host, `0.0.0.0` and `::` are all of them. */
function clashes(one: Address, other: Address): boolean {
  if ('socket' in one || 'socket' in other) return 'socket' in one && 'socket' in other && one.socket === other.socket
  if (one.port !== other.port) return false
  const everywhere = (host: string) => ['', '0.0.0.0', '::'].includes(host)
  return everywhere(one.host) || everywhere(other.host) || one.host === other.host
}
