import type { Principal } from '../../../identity/principal.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Page } from '../images/image-source.ts'
import type { ProtocolParts } from './call.ts'

/** What stands before the images of a repository in a list: nothing for the default one. */
export function listPrefix(repositories: Repositories, repository: Repository): string {
  return repository === repositories.default ? '' : `${repository.name}/`
}

type Parts = Pick<ProtocolParts, 'repositories' | 'decide'>

/** At most so many entries are read at once beyond what the first page needs. */
const largestRead = 1000

/**
 * Whether an image of the repository is to be told of: the caller may pull it, and by its name it is what would be pulled. Images of the default
 * repository that are hidden behind a repository called like their first segment are not.
 */
export function isVisible({ repositories, decide }: Parts, principal: Principal, repository: Repository) {
  const prefix = listPrefix(repositories, repository)
  return (image: string): boolean => {
    const located = repositories.locate(prefix + image)
    if (located.repository !== repository || located.image !== image) return false
    return decide(principal, 'pull', { repository: repository.name, image })
  }
}

/**
 * The entries of `list` whose images are visible: at least one more than the page where there are as many, so that what the caller may not see does
 * not shorten it. `list` gives the page it is asked for, by name.
 */
export async function visibleEntries<Entry>(
  parts: Parts,
  principal: Principal,
  repository: Repository,
  list: (page: Page) => Promise<Entry[]>,
  nameOf: (entry: Entry) => string,
  { last, limit }: Page,
): Promise<Entry[]> {
  const visible = isVisible(parts, principal, repository)
  const found: Entry[] = []
  let after: string | undefined = last
  let size = limit + 1
  while (after !== undefined && found.length <= limit) {
    const entries: Entry[] = await list({ last: after, limit: size })
    for (const entry of entries) if (visible(nameOf(entry))) found.push(entry)
    const end = entries.at(-1)
    after = end !== undefined && entries.length >= size ? nameOf(end) : undefined
    size = Math.max(limit + 1, Math.min(size * 2, largestRead))
  }
  return found
}

/** The same for names alone, as clients write them. */
export async function visibleNames(
  parts: Parts,
  principal: Principal,
  repository: Repository,
  list: (page: Page) => Promise<string[]>,
  page: Page,
): Promise<string[]> {
  const prefix = listPrefix(parts.repositories, repository)
  return (await visibleEntries(parts, principal, repository, list, String, page)).map((image) => prefix + image)
}
