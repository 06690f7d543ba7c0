import type { ReachOf } from '../../../access/decide.ts'
import type { Principal } from '../../../identity/principal.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import type { Page } from './image-source.ts'

/** At most so many entries are read at once beyond what the first page needs. */
const largestRead = 1000
/** Past some number of beginnings it is quicker to read all names than to look for each. */
const maxBeginnings = 100

/**
 * The entries of `list` that `isWanted` takes by their names: at least one more than the page where there are as many, so that what is left out does not
 * shorten it. `list` gives the page it is asked for, by name. With `reachOf` only what begins like an image that the caller may pull is read.
 */
export async function allowedEntries<Entry>(
  { principal, repository, reachOf }: { principal: Principal; repository: Repository; reachOf: ReachOf | undefined },
  list: (page: Page) => Promise<Entry[]>,
  nameOf: (entry: Entry) => string,
  isWanted: (name: string) => boolean,
  { last, limit }: Page,
): Promise<Entry[]> {
  const found: Entry[] = []
  const reach = reachOf?.(principal, repository.name) ?? ['']
  for (const beginning of reach.length > maxBeginnings ? [''] : reach) {
    if (beginning !== '' && last > `${beginning}~`) continue
    const before = justBefore(beginning)
    let after: string | undefined = last > before ? last : before
    let size = limit + 1
    while (after !== undefined && found.length <= limit) {
      const entries: Entry[] = await list({ last: after, limit: size })
      const within = entries.filter((entry) => nameOf(entry).startsWith(beginning))
      for (const entry of within) if (isWanted(nameOf(entry))) found.push(entry)
      const end = within.at(-1)
      after = end !== undefined && within.length >= size ? nameOf(end) : undefined
      size = Math.max(limit + 1, Math.min(size * 4, largestRead))
    }
  }
  return found
}

/** Something that stands before all names with this beginning and after all others before them: `~` follows every character of names. */
function justBefore(beginning: string): string {
  if (beginning === '') return ''
  return `${beginning.slice(0, -1)}${String.fromCharCode(beginning.charCodeAt(beginning.length - 1) - 1)}~`
}
