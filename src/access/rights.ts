import type { RepositoryAction } from './decide.ts'
import { type ImageIndex, indexByImage } from './image-index.ts'

/** Something that allows actions on images of a repository (`*`: of all), for whatever reason. */
export interface Allowance<Reason> {
  actions: readonly string[]
  repository: string
  images: readonly string[]
  reason: Reason
}

/** What a list of allowances amounts to, with the one that decides. */
export interface Rights<Reason> {
  find(action: RepositoryAction, repository: string, image: string): Reason | undefined
  /** What the images begin with for which something may be found. Neither sorted nor shortest. */
  prefixes(action: RepositoryAction, repository: string): readonly string[]
  /** Whether there is anything at all that allows this. */
  has(action: RepositoryAction): boolean
}

/** Makes questions cost the same for a thousand allowances as for ten. */
export function rightsFrom<Reason>(allowances: readonly Allowance<Reason>[]): Rights<Reason> {
  const byAction = new Map<string, Map<string, { images: readonly string[]; value: Reason }[]>>()
  for (const { actions, repository, images, reason } of allowances) {
    for (const action of actions) {
      const byRepository = entryOf(byAction, action, () => new Map())
      entryOf(byRepository, repository, () => []).push({ images, value: reason })
    }
  }
  const indexes = new Map<string, Map<string, ImageIndex<Reason>>>()
  for (const [action, byRepository] of byAction)
    indexes.set(action, new Map([...byRepository].map(([name, values]) => [name, indexByImage(values)])))
  return {
    has: (action) => indexes.has(action),
    find(action, repository, image) {
      const byRepository = indexes.get(action)
      return byRepository?.get(repository)?.find(image) ?? byRepository?.get('*')?.find(image)
    },
    prefixes(action, repository) {
      const byRepository = indexes.get(action)
      return ['*', repository].flatMap((name) => byRepository?.get(name)?.prefixes ?? [])
    },
  }
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const value = make()
  map.set(key, value)
  return value
}
