/** Where the browser reaches the registry. */
export interface Address {
  /** With its port when that is not the usual one. */
  host: string
  isPlain: boolean
}

/** What to pull: the tag when there is one, and the digest that it points to now. */
export interface Pullable {
  repository: string
  image: string
  tag: string | undefined
  digest: string
}

/**
 * The name under which clients reach an image: without the repository where that is the default one, unless the first segment of
 * the image would be taken for another repository.
 */
export function imageName(
  host: string,
  { repository, image }: Pick<Pullable, 'repository' | 'image'>,
  repositories: readonly { name: string; default: boolean }[],
): string {
  const isDefault = repositories.some(({ name, default: isIt }) => isIt && name === repository)
  const first = image.split('/')[0]
  const isAmbiguous = image.includes('/') && repositories.some(({ name }) => name === first)
  return isDefault && !isAmbiguous ? `${host}/${image}` : `${host}/${repository}/${image}`
}

export type Client = 'docker' | 'podman' | 'nerdctl' | 'ctr' | 'kubernetes'
export const clients: readonly Client[] = ['docker', 'podman', 'nerdctl', 'ctr', 'kubernetes']

/** The line that pulls `reference` (`host/image:tag`, `host/image@sha256:...`). docker has no switch for registries without TLS. */
export function pullLine(client: Client, reference: string, { isPlain, host }: Address): string {
  // Clients trust plain HTTP on loopback by themselves, podman and ctr do not.
  const isLocal = /^(localhost|127\.|\[::1\])/.test(host)
  if (client === 'docker') return `docker pull ${reference}`
  if (client === 'podman') return `podman pull ${isPlain ? '--tls-verify=false ' : ''}${reference}`
  if (client === 'nerdctl') return `nerdctl ${isPlain && !isLocal ? '--insecure-registry ' : ''}pull ${reference}`
  if (client === 'ctr') return `ctr images pull ${isPlain ? '--plain-http ' : ''}${reference}`
  return `image: ${reference}`
}
