import { stringify } from 'yaml'
import type { MirrorPlace } from './mirror-places.ts'

/** A file for a client. */
export interface MirrorFile {
  /** Within the client's folder: `certs.d/docker.io/hosts.toml`. */
  path: string
  text: string
}

/** Whom files are made for. */
export interface MirrorClient {
  /** The folder of the files on the client's machine. */
  folder: string
  /** Whether it can only ask at the root of an address. */
  rootOnly: boolean
  /** Makes the files. `ca` is PEM text of the authority to trust. */
  files(places: readonly MirrorPlace[], ca: string | undefined): MirrorFile[]
  /** What the person has to know or do besides. */
  hint: string
}

/** Stands at the top of each file that can have comments, and tells that it may be written anew. */
export const fileMark = '# Written by "entrepot mirror-config".'

const quoted = (text: string) => JSON.stringify(text)
const hostOf = ({ origin }: MirrorPlace) => origin.replace(/^https?:\/\//, '')
const isPlain = ({ origin }: MirrorPlace) => origin.startsWith('http:')
const rootOf = ({ origin, prefix, path }: MirrorPlace) => `${origin}${prefix}/v2${path && `/${path}`}`
const noAliases = { aliasDuplicateObjects: false }
const capabilities = ['pull', 'resolve']

/** Where the images are when no mirror has them. */
const serverOf = (namespace: string) => `https://${namespace === 'docker.io' ? 'registry-1.docker.io' : namespace}`

/** The CA where docker and podman look for it, once for each address. */
function trusted(places: readonly MirrorPlace[], ca: string | undefined): MirrorFile[] {
  if (ca === undefined) return []
  const hosts = new Set(places.filter((place) => !isPlain(place)).map(hostOf))
  return [...hosts].map((host) => ({ path: `certs.d/${host}/ca.crt`, text: ca }))
}

const containerd: MirrorClient = {
  folder: '/etc/containerd',
  rootOnly: false,
  hint: 'containerd reads these files at each pull. Kubernetes nodes: config_path must be set once, see docs/mirrors.md.',
  files: (places, ca) =>
    places.flatMap((place) => {
      const folder = `certs.d/${place.namespace}`
      const wantsCa = ca !== undefined && !isPlain(place)
      const lines = [
        fileMark,
        `server = ${quoted(serverOf(place.namespace))}`,
        '',
        `[host.${quoted(rootOf(place))}]`,
        `  capabilities = [${capabilities.map(quoted).join(', ')}]`,
        // Without it containerd would put another /v2 behind the path.
        '  override_path = true',
        ...(wantsCa ? ['  ca = "ca.crt"'] : []),
      ]
      const hosts = { path: `${folder}/hosts.toml`, text: `${lines.join('\n')}\n` }
      return wantsCa ? [hosts, { path: `${folder}/ca.crt`, text: ca }] : [hosts]
    }),
}

const docker: MirrorClient = {
  folder: '/etc/docker',
  rootOnly: true,
  hint: 'Add it to the daemon.json that is there, then: systemctl reload docker. Docker asks mirrors for images of Docker Hub only.',
  files: (places, ca) => [
    {
      path: 'daemon.json',
      text: `${JSON.stringify({ 'registry-mirrors': places.map(({ origin }) => origin) }, undefined, 2)}\n`,
    },
    ...trusted(places, ca),
  ],
}

const podman: MirrorClient = {
  folder: '/etc/containers',
  rootOnly: false,
  hint: 'For podman, skopeo and buildah at once; CRI-O after: systemctl reload crio.',
  files: (places, ca) => {
    const tables = places.map((place) =>
      [
        '[[registry]]',
        `prefix = ${quoted(place.namespace)}`,
        `location = ${quoted(place.namespace)}`,
        '[[registry.mirror]]',
        `location = ${quoted(`${hostOf(place)}${place.path && `/${place.path}`}`)}`,
        ...(isPlain(place) ? ['insecure = true'] : []),
      ].join('\n'),
    )
    const text = `${[fileMark, ...tables].join('\n\n')}\n`
    return [{ path: 'registries.conf.d/50-entrepot.conf', text }, ...trusted(places, ca)]
  },
}

const k3s: MirrorClient = {
  folder: '/etc/rancher/k3s',
  rootOnly: false,
  hint: 'On each node, then: systemctl restart k3s (k3s-agent on agents). RKE2: the same in /etc/rancher/rke2.',
  files: (places, ca) => {
    const authority = 'entrepot-ca.crt'
    const hosts = [...new Set(places.filter((place) => !isPlain(place)).map(hostOf))]
    const configs = hosts.map((host) => [host, { tls: { ca_file: `/etc/rancher/k3s/${authority}` } }])
    const registries = {
      mirrors: Object.fromEntries(places.map((place) => [place.namespace, { endpoint: [rootOf(place)] }])),
      ...(ca !== undefined && hosts.length > 0 && { configs: Object.fromEntries(configs) }),
    }
    const file = { path: 'registries.yaml', text: `${fileMark}\n${stringify(registries, noAliases)}` }
    return ca !== undefined && hosts.length > 0 ? [file, { path: authority, text: ca }] : [file]
  },
}

const kubespray: MirrorClient = {
  folder: 'inventory/CLUSTER/group_vars/all',
  rootOnly: false,
  hint: 'kubespray writes the hosts.toml of each node out of it. It cannot name a CA: put that into the nodes’ system store, see docs/clients.md.',
  files: (places) => {
    const mirrors = places.map((place) => ({
      prefix: place.namespace,
      server: serverOf(place.namespace),
      mirrors: [{ host: rootOf(place), capabilities, skip_verify: false, override_path: true }],
    }))
    const text = `${fileMark}\n${stringify({ containerd_registries_mirrors: mirrors }, noAliases)}`
    return [{ path: 'entrepot-mirrors.yml', text }]
  },
}

/** By the word on the command line. */
export const mirrorClients: Readonly<Record<string, MirrorClient>> = { containerd, docker, podman, k3s, kubespray }
