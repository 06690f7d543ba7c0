import type { ContentParts } from '../../../content/content.ts'
import { findOrphans } from '../../../content/orphans.ts'
import type { Uploads } from '../../../content/uploads.ts'
import { recall, remember } from '../../../database/facts.ts'
import { AppError } from '../../../errors.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Log } from '../../../telemetry/log.ts'
import { adoptImages } from './adopt.ts'
import { describeProblem, type Problem, type Progress } from './report.ts'
import { hasImages } from './source.ts'

/** Problems that get a line of their own in the log; beyond that they are only counted. */
const told = 1000

/** Ends an adoption that another instance has finished first. */
const doneElsewhere = new Error('adopted by another instance')

/** The adoption of what registry:2 left in the blob store of the default repository. */
export interface Adoption {
  readonly description: string
  /** Throws `unavailable`, with how far it has come, while the adoption is ahead or under way. */
  check(): Promise<void>
  /** The same, at once. */
  assertDone(): void
  /** Adopts, from where an earlier start was broken off. Returns at once when nothing is to do, and soon after `signal` (the next start goes on). */
  run(signal: AbortSignal): Promise<void>
  /** Ends what `run` has left running: the count of what no manifest needs. */
  close(): Promise<void>
}

/** Images of registry:2 are pushed ones: where nothing can be pushed there is no place for them. */
const nothingToAdopt: Adoption = {
  description: 'adoption',
  check: async () => {},
  assertDone: () => {},
  run: async () => {},
  close: async () => {},
}

/** Looks whether there is something to adopt: the store holds images of registry:2 and was never adopted into this database. */
export async function openAdoption(
  parts: ContentParts & { uploads: Uploads },
  repositories: Repositories,
  log: Log,
): Promise<Adoption> {
  const { db, stores, now } = parts
  const target = writableOf(repositories)
  if (!target) return nothingToAdopt
  const repository: Repository = target
  const { driver } = stores(repository.store)
  const after = await recall(db.queries, progressFact(repository.store))
  let isDone = !(await hasUnfinishedAdoption(parts, repository.store))
  let state = 'about to begin'
  const closing = new AbortController()
  let counting: Promise<void> | undefined

  function assertDone(): void {
    if (isDone) return
    throw new AppError('unavailable', `taking over the images of registry:2, ${state}: try again later`, {
      headers: { 'retry-after': '10' },
    })
  }

  return {
    description: 'adoption',
    check: async () => assertDone(),
    assertDone,
    async run(signal) {
      if (isDone) return
      log.info(`taking over the images that registry:2 left in ${driver.description}`, {
        repository: repository.name,
        ...(after !== undefined && { after }),
      })
      try {
        await adopt(signal)
      } catch (error) {
        if (error === doneElsewhere) {
          log.info('another instance has taken over everything')
          isDone = true
          return
        }
        if (error !== signal.reason) throw error
        log.info('taking over was broken off: the next start goes on from here')
        return
      }
      counting = tellOrphans(closing.signal).catch((error) => {
        if (!closing.signal.aborted) log.warn('files that no manifest needs could not be counted', { error })
      })
    },
    async close() {
      closing.abort()
      await counting
    },
  }

  async function adopt(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now()
    const result = await adoptImages(parts, {
      source: driver,
      repository,
      taken: repositories.all().map(({ name }) => name),
      inPlace: true,
      serving: db.shared,
      after,
      async remember(queries, image) {
        // Going on would bring back what clients of that instance have deleted since.
        if ((await recall(queries, doneFact(repository.store))) !== undefined) throw doneElsewhere
        await remember(queries, progressFact(repository.store), image)
      },
      onProblem: tellProblems(log),
      onProgress(progress) {
        state = `${progress.images} of ${progress.imagesInAll} images done`
        log.info(`taking over: ${state}`, { manifests: progress.manifests, blobs: progress.blobs })
      },
      signal,
    })
    await rememberAdopted(parts, repository.store, now())
    isDone = true
    tellResult(log, result, (performance.now() - startedAt) / 1000)
  }

  /** Reads the names of all files in the store, so nobody waits for it. */
  async function tellOrphans(signal: AbortSignal): Promise<void> {
    const { blobs, bytes } = await findOrphans(parts, repository.store, { signal })
    if (blobs === 0) return
    log.info('left alone what no adopted manifest needs: `entrepot gc --orphans` would remove it', { blobs, bytes })
  }
}

/** Where images go that are pushed without the name of a repository. */
function writableOf({ default: fallback, named }: Repositories): Repository | undefined {
  if (fallback.type === 'hosted') return fallback
  return fallback.type === 'group' && fallback.writableMember ? named(fallback.writableMember) : undefined
}

/** Whether a blob store holds images of registry:2 that were not, or not all, taken over. */
export async function hasUnfinishedAdoption({ db, stores }: ContentParts, store: string): Promise<boolean> {
  return (await recall(db.queries, doneFact(store))) === undefined && hasImages(stores(store).driver)
}

/** Notes that this store needs no adoption at the next start. */
export function rememberAdopted({ db }: Pick<ContentParts, 'db'>, store: string, at: number): Promise<void> {
  return remember(db.queries, doneFact(store), new Date(at).toISOString())
}

/** When the adoption was over. Apart from how far it came, so that an instance that is late cannot take it back. */
function doneFact(store: string): string {
  return `blob store ${store} adopted at`
}

/** The image up to which it came. */
function progressFact(store: string): string {
  return `blob store ${store} adopted up to`
}

function tellProblems(log: Log): (problem: Problem) => void {
  let count = 0
  return (problem) => {
    count++
    if (count <= told) log.warn(`not adopted: ${describeProblem(problem)}`, { kind: problem.kind })
    if (count === told) log.warn('more that could not be adopted is only counted')
  }
}

function tellResult(log: Log, { problems, imagesInAll, ...result }: Progress, seconds: number): void {
  log.info(`took over ${result.images} images of registry:2`, { ...result, seconds: Number(seconds.toFixed(1)) })
  if (Object.keys(problems).length > 0) log.warn('some parts could not be adopted, see above', { ...problems })
}
