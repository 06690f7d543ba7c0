import type { Principal } from '../../../identity/principal.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import { allowedEntries } from '../images/allowed-entries.ts'
import type { Page } from '../images/image-source.ts'
import { mayDo } from '../images/targets.ts'
import type { ProtocolParts } from './call.ts'

/** What stands before the images of a repository in a list: nothing for the default one. */
export function listPrefix(repositories: Repositories, repository: Repository): string {
  return repository === repositories.default ? '' : `${repository.name}/`
}

/** `reachOf` spares reading the names of what the caller may not pull. */
export type VisibleParts = Pick<ProtocolParts, 'repositories' | 'decide' | 'reachOf'>

/**
 * Whether an image of the repository is to be told of: the caller may pull it, and by its name it is what would be pulled. Images of the default
 * repository that are hidden behind a repository called like their first segment are not.
 */
export function isVisible(parts: VisibleParts, principal: Principal, repository: Repository) {
  const { repositories } = parts
  const prefix = listPrefix(repositories, repository)
  return (image: string): boolean => {
    const located = repositories.locate(prefix + image)
    if (located.repository !== repository || located.image !== image) return false
    return mayDo(parts, principal, 'pull', { repository, image })
  }
}

/**
 * The entries of `list` whose images are visible: at least one more than the page where there are as many, so that what the caller may not see does
 * not shorten it. `list` gives the page it is asked for, by name.
 */
export async function visibleEntries<Entry>(
  parts: VisibleParts,
  principal: Principal,
  repository: Repository,
  list: (page: Page) => Promise<Entry[]>,
  nameOf: (entry: Entry) => string,
  page: Page,
): Promise<Entry[]> {
  const visible = isVisible(parts, principal, repository)
  return allowedEntries({ principal, repository, reachOf: parts.reachOf }, list, nameOf, visible, page)
}

/** The same for names alone, as clients write them. */
export async function visibleNames(
  parts: VisibleParts,
  principal: Principal,
  repository: Repository,
  list: (page: Page) => Promise<string[]>,
  page: Page,
): Promise<string[]> {
  const prefix = listPrefix(parts.repositories, repository)
  return (await visibleEntries(parts, principal, repository, list, String, page)).map((image) => prefix + image)
}
