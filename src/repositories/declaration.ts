import { readFileSync } from 'node:fs'
import type { RepositoryConfig } from '../config/config.ts'
import { isPem } from '../config/repository-kinds.ts'
import { AppError } from '../errors.ts'
import { defaultTiming } from '../upstream/settings.ts'
import type { ProxySettings, RepositoryKind } from './repositories.ts'

/** Where the content of a repository comes from. Throws `internal` for what the checks of the configuration let through by mistake. */
export function kindOf({ name, type, upstream, members, writableMember }: RepositoryConfig): RepositoryKind {
  if (type === 'hosted') return { type }
  if (type === 'group') return { type, members, writableMember }
  if (!upstream) throw new AppError('internal', `repository ${name} is a proxy without an upstream`)
  return { type, upstream: proxySettings(upstream) }
}

/**
 * The repository with the authorities that it trusts as text: what is kept in the database must not depend on a file of this machine. Throws
 * `request-invalid` when the file cannot be read.
 */
export function withAuthorities(config: RepositoryConfig): RepositoryConfig {
  const { name, upstream } = config
  if (upstream?.ca === undefined || isPem(upstream.ca)) return config
  try {
    return { ...config, upstream: { ...upstream, ca: readFileSync(upstream.ca, 'utf8') } }
  } catch (cause) {
    const reason = (cause as Error).message
    throw new AppError('request-invalid', `upstream.ca of repository ${name} cannot be read: ${reason}`, { cause })
  }
}

type UpstreamConfig = NonNullable<RepositoryConfig['upstream']>

function proxySettings({
  tagAge,
  absenceAge,
  keepFor,
  cacheSize,
  responseTimeout,
  idleTimeout,
  ...rest
}: UpstreamConfig): ProxySettings {
  return {
    ...rest,
    tagAgeMs: tagAge,
    absenceAgeMs: absenceAge,
    keepForMs: keepFor,
    cacheBytes: cacheSize,
    timing: { ...defaultTiming, responseMs: responseTimeout, idleMs: idleTimeout },
  }
}
