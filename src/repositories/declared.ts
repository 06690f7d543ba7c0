import type { Config, RepositoryConfig } from '../config/config.ts'
import { declarationOf } from './declaration.ts'
import type { RepositoryDeclaration } from './repositories.ts'

/** What the configuration file says about repositories, in the words of this room. */
export function declaredRepositories({ repositories }: Pick<Config, 'repositories'>): RepositoryDeclaration[] {
  const byName = new Map(repositories.map((repository) => [repository.name, repository]))
  return repositories.map((repository) => ({ ...declarationOf(repository), blobStore: storeOf(repository, byName) }))
}

/** A group keeps nothing; what is pushed to it lies with its writable member. */
function storeOf(repository: RepositoryConfig, byName: ReadonlyMap<string, RepositoryConfig>): string {
  if (repository.type !== 'group') return repository.blobStore
  const source = byName.get(repository.writableMember ?? repository.members[0]?.repository ?? '')
  return source ? storeOf(source, byName) : repository.blobStore
}
