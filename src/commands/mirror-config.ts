import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../config/config.ts'
import { loadOrExplain } from './configured.ts'
import type { CommandIo } from './io.ts'
import { fileMark, type MirrorClient, type MirrorFile, mirrorClients } from './mirror-files.ts'
import { type Address, addressFor, type MirrorPlace, placesAt, proxiesOf, rootPlace } from './mirror-places.ts'

export interface MirrorConfigOptions {
  config?: string | undefined
  /** How clients reach the registry: `https://hub.example.com:5000`. Default: what the configuration says. */
  address?: string | undefined
  /** PEM file of the authority that clients have to trust. */
  ca?: string | undefined
  /** Folder to write the files to, as a tree for the client's own folder. Default: they are printed. */
  output?: string | undefined
}

/**
 * `entrepot mirror-config CLIENT`: the files that make a client use the configured proxies as mirrors. Resolves to the exit code: 0, 1 with the
 * reason when there is nothing to mirror or a file is in the way, 2 for a bad configuration or wrong words.
 */
export function mirrorConfig(kind: string, options: MirrorConfigOptions, io: Pick<CommandIo, 'out' | 'err'>): number {
  const refuse = (code: number, reason: string) => {
    io.err.write(`${reason}\n`)
    return code
  }
  const client = Object.hasOwn(mirrorClients, kind) ? mirrorClients[kind] : undefined
  if (!client) return refuse(2, `there are no files for ${kind}, only for ${Object.keys(mirrorClients).join(', ')}`)
  if (options.ca !== undefined && !existsSync(options.ca)) return refuse(2, `--ca: there is no file ${options.ca}`)
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const address = addressFor(config, options.address)
  if (typeof address === 'string') return refuse(2, address)
  if (proxiesOf(config).length === 0)
    return refuse(1, 'there is nothing to mirror: no repository has type: proxy. See docs/proxy.md')

  const { places, notes } = choose(config, client, address)
  for (const note of notes) io.err.write(`${note}\n`)
  if (places.length === 0) return 1
  const ca = options.ca === undefined ? undefined : readFileSync(options.ca, 'utf8')
  const files = client.files(places, ca)
  if (options.output === undefined) print(files, client, io)
  else {
    const inTheWay = write(files, options.output, io)
    if (inTheWay !== undefined) return refuse(1, inTheWay)
  }
  for (const { namespace, repository, origin } of places)
    io.err.write(`${namespace}: the repository ${repository} at ${origin}\n`)
  io.err.write(`${client.hint}\n`)
  if (config.auth !== 'none')
    io.err.write(
      'They come without a login: what they pull must be open to anyone, or see docs/mirrors.md, "Logins".\n',
    )
  return 0
}

function choose(config: Config, client: MirrorClient, address: Address): { places: MirrorPlace[]; notes: string[] } {
  if (client.rootOnly) return atRoots(config, address, ['docker.io'])
  const found = placesAt(config, address)
  // What has no path of its own can stand anywhere; podman has no place in a name for what is before /v2/.
  if (client !== mirrorClients['podman'] || address.prefix === '') return found
  return atRoots(
    config,
    address,
    found.places.map(({ namespace }) => namespace),
  )
}

/** Places at the root of an address, and for each that there is not, what to configure. */
function atRoots(config: Config, address: Address, namespaces: string[]) {
  const places: MirrorPlace[] = []
  const notes: string[] = []
  for (const namespace of namespaces) {
    const place = rootPlace(config, address, namespace)
    if (place) places.push(place)
    else notes.push(missingRoot(config, address, namespace))
  }
  return { places, notes }
}

function missingRoot(config: Config, { origin, prefix }: Address, namespace: string): string {
  const path = prefix && ` (at ${origin} they would have to ask below ${prefix}, which they cannot)`
  const proxy = placesAt({ ...config, connectors: [] }, { origin, prefix, host: '', port: 0 }).places.find(
    (place) => place.namespace === namespace,
  )
  if (!proxy)
    return `no proxy repository stands for ${namespace}: see upstream.url and upstream.namespaces in docs/configuration.md`
  return `These clients ask for ${namespace} at the root of an address only, and none leads to the proxy ${proxy.repository} alone${path}. Give it one in the configuration:

connectors:
  - { repository: ${proxy.repository}, addr: ":5001" }
`
}

/** Each file after its path, so that one can be told from the next; where that would be no comment of the format, the path goes to the person. */
function print(files: MirrorFile[], { folder }: MirrorClient, { out, err }: Pick<CommandIo, 'out' | 'err'>): void {
  for (const [index, { path, text }] of files.entries()) {
    if (path.endsWith('.crt')) {
      err.write(`${folder}/${path}: a copy of the CA’s certificate\n`)
      continue
    }
    const heading = `# ${folder}/${path}\n`
    if (path.endsWith('.json')) err.write(heading)
    else out.write(`${index > 0 ? '\n' : ''}${heading}`)
    out.write(text)
  }
}

/** Writes all or nothing; returns what is in the way. What an earlier run wrote is replaced. */
function write(files: MirrorFile[], folder: string, { out }: Pick<CommandIo, 'out'>): string | undefined {
  for (const { path, text } of files) {
    const file = join(folder, path)
    const old = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (old === undefined || old === text || old.startsWith(fileMark)) continue
    return `${file} is there and not from here: put together by hand what it has and what this command prints without --output, or remove it`
  }
  for (const { path, text } of files) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    out.write(`${file}\n`)
  }
  return undefined
}
