/** When one-segment names get `library/`: `auto` is when the upstream is Docker Hub. */
export type LibraryPrefix = 'auto' | 'always' | 'never'

const hubApi = 'registry-1.docker.io'
/** Hosts that people write when they mean Docker Hub. */
const hubHosts = new Set([hubApi, 'docker.io', 'index.docker.io', 'registry.hub.docker.com', 'hub.docker.com'])

/** The URL under which `/v2/` stands, without a slash at the end. Other names of Docker Hub become that of its API. Throws TypeError when it is no URL. */
export function apiBase(url: string): URL {
  const base = new URL(url)
  if (isDockerHub(base)) return new URL(`https://${hubApi}`)
  base.pathname = base.pathname.replace(/\/+(?:v[12]\/*)?$/, '')
  base.search = ''
  base.hash = ''
  return base
}

export function isDockerHub(url: URL): boolean {
  return hubHosts.has(url.hostname.replace(/\.$/, ''))
}

/** The name the upstream knows the image by: what is asked for, what tokens are asked for, and what it should be stored under. */
export function canonicalName(image: string, upstream: URL, prefix: LibraryPrefix = 'auto'): string {
  const wanted = prefix === 'always' || (prefix === 'auto' && isDockerHub(upstream))
  return wanted && !image.includes('/') ? `library/${image}` : image
}

/** The values of containerd's `?ns=` that this upstream answers for: its host, with the port when that is not the usual one. */
export function namespacesOf(upstream: URL, more: readonly string[] = []): string[] {
  return [...new Set([isDockerHub(upstream) ? 'docker.io' : upstream.host, ...more.map((name) => name.toLowerCase())])]
}
