import type { Config, RepositoryConfig } from '../config/config.ts'
import { namespacesOf } from '../upstream/names.ts'
import { type Connector, connectorAt } from './connector-at.ts'

/** Where the images of another registry are to be had from us. */
export interface MirrorPlace {
  /** The registry as it stands in image names: `docker.io`, `gcr.io`. */
  namespace: string
  repository: string
  /** Scheme, name and port: `https://hub.example.com:5000`. */
  origin: string
  /** What stands before `/v2/` there: `/registry`, or nothing. */
  prefix: string
  /** Stands before the name of every image: `docker-hub`; empty where the address leads to this repository alone. */
  path: string
}

/** The address that clients use. */
export interface Address {
  origin: string
  prefix: string
  host: string
  port: number
}

/** The address as it was given, or as the configuration tells it. A text says what is missing, for people. */
export function addressFor(config: Config, given: string | undefined): Address | string {
  const { http } = config
  const text = given ?? http.host ?? listenerUrl(config)
  const how = 'write --address https://NAME:PORT as the clients reach the registry'
  if (text === undefined) return `no address can be told from http.addr, which is every one of this machine: ${how}`
  if (!URL.canParse(text) || !/^https?:\/\/[^/]/i.test(text)) return `--address ${text} is no address: ${how}`
  const url = new URL(text)
  if (url.username || url.search || url.hash) return `--address has more than scheme, name, port and path: ${how}`
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  const path = url.pathname.replace(/\/+$/, '')
  const isOwn = connectorAt(config, { host: url.host, port })?.addr !== undefined
  return { origin: url.origin, prefix: path || (isOwn ? '' : http.prefix), host: url.host, port }
}

/** All that can be mirrored through this address, sorted by namespace; `notes` say what cannot and why, for people. */
export function placesAt(config: Config, address: Address): { places: MirrorPlace[]; notes: string[] } {
  const { origin, prefix } = address
  const connector = connectorAt(config, address)
  if (connector) {
    const { repository } = connector
    const spoken = spokenFor(config, repository)
    if (typeof spoken === 'string') return { places: [], notes: [`${origin} leads to ${repository}: ${spoken}`] }
    return { places: spoken.map((namespace) => ({ namespace, repository, origin, prefix, path: '' })), notes: [] }
  }
  const places = new Map<string, MirrorPlace>()
  for (const { name } of proxiesOf(config)) {
    const spoken = spokenFor(config, name)
    if (typeof spoken === 'string') continue
    // Of several for one registry, the first by name, as for `?ns=`.
    for (const namespace of spoken)
      if (!places.has(namespace)) places.set(namespace, { namespace, repository: name, origin, prefix, path: name })
  }
  const sorted = [...places.values()].sort((one, other) => (one.namespace < other.namespace ? -1 : 1))
  return { places: sorted, notes: [] }
}

/**
 * The place for clients that can only ask at the root of an address: the one given when a connector is there, else the first of: the main address when the
 * default repository is the proxy, a connector of the proxy, and the same for groups with that proxy and no other one. Undefined: there is none.
 */
export function rootPlace(config: Config, address: Address, namespace: string): MirrorPlace | undefined {
  const at = ({ origin, prefix }: Pick<Address, 'origin' | 'prefix'>, repository: string) => ({
    namespace,
    repository,
    origin,
    prefix,
    path: '',
  })
  const given = connectorAt(config, address)
  const ways = given
    ? [at(address, given.repository)]
    : [
        at(address, config.defaultRepository),
        ...config.connectors.map((connector) =>
          at(
            { origin: originOf(config, connector, address), prefix: connector.addr ? '' : address.prefix },
            connector.repository,
          ),
        ),
      ]
  const fitting = ways.filter(({ prefix, repository }) => {
    const spoken = spokenFor(config, repository)
    return prefix === '' && typeof spoken !== 'string' && spoken.includes(namespace)
  })
  const isGroup = ({ repository }: MirrorPlace) => repositoryOf(config, repository)?.type === 'group'
  return fitting.find((place) => !isGroup(place)) ?? fitting[0]
}

/** The registries that a repository may stand for, or why it may for none. */
function spokenFor(config: Config, name: string): string[] | string {
  const repository = repositoryOf(config, name)
  if (repository?.type === 'proxy' && repository.upstream) {
    const { url, namespaces } = repository.upstream
    return namespacesOf(new URL(url), namespaces).filter(isRegistry)
  }
  if (repository?.type !== 'group') return 'it holds only what is pushed to it'
  const proxies = insideOf(config, repository).filter(({ type }) => type === 'proxy')
  // What gcr.io lacks must not come from Docker Hub because somebody there took the name.
  if (proxies.length > 1)
    return `a group with several proxies (${proxies.map((one) => one.name).join(', ')}) would answer for one registry with images of another one`
  return proxies[0] ? spokenFor(config, proxies[0].name) : 'there is no proxy in it'
}

/** The configured proxies, by name. */
export function proxiesOf({ repositories }: Config): RepositoryConfig[] {
  const proxies = repositories.filter(({ type }) => type === 'proxy')
  return proxies.sort((one, other) => (one.name < other.name ? -1 : 1))
}

function insideOf(config: Config, group: RepositoryConfig, seen = new Set<string>()): RepositoryConfig[] {
  return group.members.flatMap(({ repository: name }) => {
    const member = repositoryOf(config, name)
    if (!member || seen.has(name)) return []
    seen.add(name)
    return member.type === 'group' ? insideOf(config, member, seen) : [member]
  })
}

const repositoryOf = ({ repositories }: Config, name: string) => repositories.find((one) => one.name === name)

/** It becomes the name of a folder. */
const isRegistry = (namespace: string) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?$/.test(namespace)

/** The address of a connector, for clients who know the main one by `address`. */
function originOf(config: Config, { addr, host, plain, tls }: Connector, address: Address): string {
  const main = new URL(address.origin)
  if (host) return `${main.protocol}//${host.includes(':') || !main.port ? host : `${host}:${main.port}`}`
  const scheme = !plain && (tls.certificate || config.http.tls.certificate) ? 'https' : 'http'
  if (!addr || 'socket' in addr) return address.origin
  return new URL(`${scheme}://${isEverywhere(addr.host) ? main.hostname : bracketed(addr.host)}:${addr.port}`).origin
}

function listenerUrl({ http: { addr, tls } }: Config): string | undefined {
  if ('socket' in addr || isEverywhere(addr.host)) return undefined
  return `${tls.certificate ? 'https' : 'http'}://${bracketed(addr.host)}:${addr.port}`
}

const isEverywhere = (host: string) => ['', '0.0.0.0', '::'].includes(host)
const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)
