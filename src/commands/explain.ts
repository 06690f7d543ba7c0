import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'
import { createManifestFinder } from '../formats/docker/images/manifest-cache.ts'
import { placeIn } from '../formats/docker/images/places.ts'
import { type Member, membersOf } from '../repositories/members.ts'
import { loadOrExplain } from './configured.ts'
import type { CommandIo } from './io.ts'
import { openIfThere, parseImage, repositoriesOf, viewFor } from './reference.ts'

/**
 * `entrepot explain REFERENCE [--ns HOST]`: says which listener, repository and member would answer for an image, and why. Reads configuration and database, and
 * asks no upstream. Returns the exit code: 0, 1 when the reference is none, 2 for a bad configuration.
 */
export async function explain(
  reference: string,
  options: { config?: string | undefined; ns?: string | undefined },
  io: CommandIo,
): Promise<number> {
  const config = loadOrExplain(options, io)
  return config ? explainWith(config, reference, options.ns, io) : 2
}

/** The same for a configuration that was read. */
export async function explainWith(
  config: Config,
  reference: string,
  ns: string | undefined,
  io: Pick<CommandIo, 'out' | 'err'>,
): Promise<number> {
  const closers = createClosers()
  const say = (line: string) => void io.out.write(`${line}\n`)
  try {
    const wanted = parseImage(reference)
    const db = await openIfThere(config, closers)
    if (!db) say('database: there is none yet; this is what a first start would do')
    const all = await repositoriesOf(config, db)
    const view = viewFor(config, wanted.host, all, say)
    const { repository, image, by } = view.locate(wanted.name, () => ns ?? null)
    const why = {
      connector: 'the connector leads there',
      path: 'the first segment of the name is a repository',
      namespace: `its upstream stands for ns=${ns}`,
      default: 'it is the default repository, and the name begins with no other one',
    }[by]
    say(`repository: ${repository.name} (${repository.type}), because ${why}`)
    if (repository.offline !== undefined) {
      say(`answer: 503, the repository is offline: ${repository.offline}`)
      return 0
    }
    say(`image: ${image}`)
    const members: Member[] =
      repository.type === 'group'
        ? membersOf(repository, all)
        : [{ repository, isAskedFor: () => true, whyNot: () => undefined }]
    const find = db ? createManifestFinder(db) : () => undefined
    let answerer: string | undefined
    for (const member of members) {
      const { name } = member.repository
      const label = repository.type === 'group' ? `  member ${name} (${member.repository.type})` : `  ${name}`
      const reason = member.whyNot(image)
      if (reason !== undefined) {
        say(`${label}: not asked: ${reason}`)
        continue
      }
      const place = placeIn(member.repository, image)
      const kept = await find(place.repositoryId, place.image, wanted.reference)
      const has = kept ? `has it, ${kept.digest}` : 'does not have it'
      if (member.repository.type === 'hosted') {
        if (kept) answerer ??= name
        say(`${label}: ${has}`)
      } else {
        answerer ??= `${name}, if its upstream or its cache has it`
        say(`${label}: cache ${has}; the upstream would be asked for ${member.repository.upstream.url} ${place.image}`)
      }
    }
    say(`answer: ${answerer ?? 'nobody has it'}`)
    if (repository.type === 'group') say(`push: ${repository.writableMember ?? 'refused: writableMember is not set'}`)
    return 0
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    io.err.write(`${error.message}\n`)
    return 1
  } finally {
    await closers.closeAll()
  }
}
