import type { Principal } from '../../../identity/principal.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Page } from '../images/image-source.ts'
import { mayDo } from '../images/targets.ts'
import type { ProtocolParts } from './call.ts'

/** What stands before the images of a repository in a list: nothing for the default one. */
export function listPrefix(repositories: Repositories, repository: Repository): string {
  return repository === repositories.default ? '' : `${repository.name}/`
}

/**
 * Names, as clients write them, of the images from `list` that the caller may pull: at least one more than the page where there are as many, so
 * that what the caller may not see does not shorten it. Images of the default repository that are hidden behind a repository called like their
 * first segment are left out: by that name something else would be pulled.
 */
export async function visibleNames(
  { repositories, decide, reachOf }: Pick<ProtocolParts, 'repositories' | 'decide' | 'reachOf'>,
  principal: Principal,
  repository: Repository,
  list: (page: Page) => Promise<string[]>,
  { last, limit }: Page,
): Promise<string[]> {
  const prefix = listPrefix(repositories, repository)
  const names: string[] = []
  const reach = reachOf?.(principal, repository.name) ?? ['']
  // Past some number of beginnings it is quicker to read all names than to look for each.
  for (const beginning of reach.length > maxBeginnings ? [''] : reach) {
    const before = justBefore(beginning)
    if (last > `${beginning}~` && beginning !== '') continue
    let after: string | undefined = last > before ? last : before
    let rows = limit + 1
    while (after !== undefined && names.length <= limit) {
      const images: string[] = await list({ last: after, limit: rows })
      for (const image of images) {
        if (!image.startsWith(beginning)) break
        const located = repositories.locate(prefix + image)
        if (located.repository !== repository || located.image !== image) continue
        if (mayDo({ decide, repositories }, principal, 'pull', { repository, image })) names.push(prefix + image)
      }
      const end = images.at(-1)
      after = images.length >= rows && end?.startsWith(beginning) ? end : undefined
      // Where most names are hidden, few questions about many names at once.
      rows = Math.max(rows, rowsAtOnce)
    }
  }
  return names
}

const maxBeginnings = 100
const rowsAtOnce = 1000

/** Something that stands before all names with this beginning and after all others before them: `~` follows every character of names. */
function justBefore(beginning: string): string {
  if (beginning === '') return ''
  return `${beginning.slice(0, -1)}${String.fromCharCode(beginning.charCodeAt(beginning.length - 1) - 1)}~`
}
