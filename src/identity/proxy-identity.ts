import { AppError } from '../errors.ts'
import { createNetworks } from '../http/networks.ts'
import { principalOf } from './authenticator.ts'
import { plainPartsOfDn } from './ldap/dn.ts'
import type { Authenticator, Client, KnownPrincipal, Principal } from './principal.ts'
import type { UserSource } from './sources.ts'
import { problemWithUserName } from './user-name.ts'

/** `proxyIdentity` of the configuration. */
export interface ProxyIdentitySettings {
  header: string
  /** Addresses and networks of the proxies that are believed. */
  from: readonly string[]
  /** Of a distinguished name: which part is the user name. Undefined: the header is the user name. */
  attribute: string | undefined
}

export interface ProxyIdentityOptions {
  settings: ProxyIdentitySettings
  /** Where the users are, in the order in which they are asked. */
  sources: readonly Pick<UserSource, 'name' | 'find'>[]
  /** Grows when a user was removed or changed. */
  generation(): number
  /** Milliseconds on a clock that only goes forward. */
  now?: () => number
}

/** As with passwords: the bound after which a change made by another instance holds here. */
const rememberMs = 60_000
const mostRemembered = 10_000

/**
 * An authenticator that believes what a proxy says of who is at the other end of its connection, where nothing else says it: who sends credentials is asked about those.
 * Only the peer itself counts, never an address that was forwarded. What a page of another site makes a browser change is nobody's: browsers show certificates unasked.
 * Throws `unauthenticated` for a header that names nobody for certain.
 */
export function withProxyIdentity(inner: Authenticator, options: ProxyIdentityOptions): Authenticator {
  const { settings, sources, generation, now = () => performance.now() } = options
  const isProxy = createNetworks(settings.from, 'proxyIdentity.from')
  const remembered = new Map<string, { principal: KnownPrincipal; until: number }>()
  let seen = generation()

  function principalFor(name: string): Principal | Promise<Principal> {
    const current = generation()
    if (current !== seen) {
      seen = current
      remembered.clear()
    }
    const known = remembered.get(name)
    if (known && known.until > now()) return known.principal
    return lookUp(name)
  }

  async function lookUp(name: string): Promise<Principal> {
    const principal = await find(name)
    remembered.delete(name)
    remembered.set(name, { principal, until: now() + rememberMs })
    if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value!)
    return principal
  }

  /** Whom no source knows has a name, and what was granted to it and to everyone who has logged in. */
  async function find(name: string): Promise<KnownPrincipal> {
    for (const source of sources) {
      const user = await source.find?.(name)
      if (user) return principalOf(user, source)
    }
    return Object.freeze({ kind: 'user', name, admin: false, groups: [] })
  }

  return {
    ...inner,
    authenticate(credentials, client) {
      if (credentials !== undefined) return inner.authenticate(credentials, client)
      const value = client.headers?.get(settings.header)?.trim()
      if (!value || !isProxy(client.peerAddress ?? '') || isFromForeignPage(client))
        return inner.authenticate(credentials, client)
      return principalFor(nameIn(value, settings))
    },
  }
}

/** The user name that a header says. Throws `unauthenticated` when it could be read in more than one way. */
export function nameIn(
  value: string,
  { header, attribute }: Pick<ProxyIdentitySettings, 'header' | 'attribute'>,
): string {
  const refused = (reason: string) =>
    new AppError('unauthenticated', `${header}, which the proxy in front of this registry sends, ${reason}`)
  // Two headers of one name arrive as one, with a comma between.
  if (attribute === undefined && value.includes(','))
    throw refused('is there more than once, or names more than one user')
  const names = attribute === undefined ? [value] : valuesIn(value, attribute)
  if (!names) throw refused('is not a plain distinguished name as RFC 4514 writes it')
  const [name, another] = names
  if (name === undefined || another !== undefined)
    throw refused(`has ${name === undefined ? 'no' : 'more than one'} ${attribute}`)
  const problem = problemWithUserName(name)
  if (problem) throw refused(`cannot be used: ${problem}`)
  return name
}

function valuesIn(dn: string, attribute: string): string[] | undefined {
  return plainPartsOfDn(dn)
    ?.filter(({ type }) => type.toLowerCase() === attribute.toLowerCase())
    .map(({ value }) => value)
}

/** Whether a browser says that a page of another site has sent this, and it is more than looking. */
function isFromForeignPage({ headers, method = 'GET', origin }: Client): boolean {
  if (['GET', 'HEAD', 'OPTIONS'].includes(method)) return false
  const site = headers?.get('sec-fetch-site') ?? undefined
  if (site !== undefined) return !['same-origin', 'none'].includes(site)
  const page = headers?.get('origin') ?? undefined
  return page !== undefined && page !== `${origin?.scheme}://${origin?.host}`
}
