import { type Check, checkFile } from './check.ts'
import { isPem } from './repository-kinds.ts'
import type { Settings } from './settings.ts'

type Declared = Settings['repositories'][number]

/** What must go together in one repository: `path` is where it stands, `stores` are the names of the blob stores. Groups: see `checkGroups`. */
export function checkRepository(
  path: string,
  repository: Declared,
  stores: readonly string[],
  wrong: Check['wrong'],
): void {
  const { type, blobStore, writePolicy, mutableTags, quota } = repository
  checkUpstream(path, repository, wrong)
  if (blobStore && !stores.includes(blobStore)) {
    const fix = `declare it under blobStores, or use one of: ${stores.join(', ')}`
    wrong(`${path}.blobStore`, blobStore, 'is no blob store', fix)
  }
  if (quota && type !== 'hosted')
    wrong(`${path}.quota`, undefined, `is set although the repository is a ${type}`, 'leave it out')
  if (mutableTags?.length > 0 && writePolicy !== 'allow-once')
    wrong(
      `${path}.mutableTags`,
      undefined,
      'is set although all tags may be moved, or none',
      'write writePolicy: allow-once, or leave it out',
    )
}

function checkUpstream(path: string, repository: Declared, wrong: Check['wrong']): void {
  const { type, upstream, writePolicy } = repository
  if (type === 'proxy' && !upstream)
    wrong(
      `${path}.upstream`,
      undefined,
      'is missing although the repository is a proxy',
      'write upstream: {url: https://...}',
    )
  if (type !== 'proxy' && upstream)
    wrong(
      `${path}.upstream`,
      undefined,
      `is set although the repository is ${type}`,
      'write type: proxy, or leave it out',
    )
  if (type === 'proxy' && writePolicy !== 'allow')
    wrong(`${path}.writePolicy`, writePolicy, 'is set although nothing is pushed to a proxy', 'leave it out')
  if (upstream?.password && !upstream.username)
    wrong(`${path}.upstream.username`, undefined, 'is missing although there is a password', 'set both, or neither')
  if (upstream?.ca && !isPem(upstream.ca)) checkFile(`${path}.upstream.ca`, upstream.ca, wrong)
}
