import { isDigest } from '../../../content/digest.ts'
import type { ObjectInfo } from '../../../storage/driver.ts'
import { isTag } from '../images/names.ts'
import type { ManifestEntry } from './layout.ts'
import type { Problem } from './report.ts'
import { readLink, type Source } from './source.ts'

/** A tag as registry:2 has it. Times are milliseconds since 1970. */
export interface FoundTag {
  name: string
  digest: string
  updatedAt: number
  /** What it pointed to, oldest first; the last one is what it points to now. */
  history: { digest: string; at: number }[]
}

/** The files of one tag. */
export interface TagFiles {
  name: string
  current: ObjectInfo | undefined
  past: { digest: string; at: number }[]
}

/** Collects the files of an image's tags, in whatever order they are listed. */
export function createTagFiles() {
  const byName = new Map<string, TagFiles>()
  return {
    add(entry: Exclude<ManifestEntry, { kind: 'revision' }>, file: ObjectInfo): void {
      const files = byName.get(entry.tag) ?? { name: entry.tag, current: undefined, past: [] }
      byName.set(entry.tag, files)
      if (entry.kind === 'current') files.current = file
      else if (isDigest(entry.digest)) files.past.push({ digest: entry.digest, at: file.modifiedAt.getTime() })
    },
    all: () => [...byName.values()],
  }
}

/**
 * Reads what a tag points to, or says what is wrong with it. Undefined: the tag was deleted, and what is left of it means nothing.
 */
export async function readTag(
  source: Source,
  { name, current, past }: TagFiles,
): Promise<FoundTag | Omit<Problem, 'image'> | undefined> {
  if (!current) return undefined
  if (!isTag(name)) return { kind: 'tag-invalid', reference: name, reason: 'it is not a valid name for a tag' }
  const digest = current.size > 0 ? await readLink(source, current.key) : undefined
  if (!digest)
    return {
      kind: 'link-broken',
      reference: name,
      reason: `its link ${current.size === 0 ? 'is empty' : 'holds no digest'}`,
    }
  const updatedAt = current.modifiedAt.getTime()
  const history = past.filter((one) => one.digest !== digest).sort((a, b) => a.at - b.at)
  return { name, digest, updatedAt, history: [...history, { digest, at: updatedAt }] }
}
