import { readFileSync } from 'node:fs'
import type { RepositoryConfig } from '../config/config.ts'
import { AppError } from '../errors.ts'
import { defaultTiming } from '../upstream/settings.ts'
import type { ProxySettings, RepositoryDeclaration } from './repositories.ts'

/** A repository of the configuration. Reads the files that it names; throws `internal` for what the configuration's checks let through by mistake. */
export function declarationOf(config: RepositoryConfig): RepositoryDeclaration {
  const { name, type, blobStore, writePolicy, description = '', upstream, members, writableMember } = config
  const common = { name, blobStore, writePolicy, description }
  if (type === 'hosted') return { ...common, type }
  if (type === 'group') return { ...common, type, members, writableMember }
  if (!upstream) throw new AppError('internal', `repository ${name} is a proxy without an upstream`)
  return { ...common, type, upstream: proxySettings(upstream) }
}

type UpstreamConfig = NonNullable<RepositoryConfig['upstream']>

function proxySettings({
  tagAge,
  absenceAge,
  keepFor,
  cacheSize,
  responseTimeout,
  idleTimeout,
  ca,
  ...rest
}: UpstreamConfig): ProxySettings {
  return {
    ...rest,
    ca: ca === undefined ? undefined : readFileSync(ca, 'utf8'),
    tagAgeMs: tagAge,
    absenceAgeMs: absenceAge,
    keepForMs: keepFor,
    cacheBytes: cacheSize,
    timing: { ...defaultTiming, responseMs: responseTimeout, idleMs: idleTimeout },
  }
}
