import type { ContentParts } from '../../../content/content.ts'
import { findOrphans } from '../../../content/orphans.ts'
import type { Uploads } from '../../../content/uploads.ts'
import { recall, remember } from '../../../database/facts.ts'
import { AppError } from '../../../errors.ts'
import type { Repositories } from '../../../repositories/repositories.ts'
import type { Log } from '../../../telemetry/log.ts'
import { adoptImages } from './adopt.ts'
import { describeProblem, type Problem, type Progress } from './report.ts'
import { hasImages } from './source.ts'

/** What is remembered of the adoption of a store. `after`: up to which image it has come; `doneAt`: that it is over, ISO 8601. */
interface Adopted {
  after?: string
  doneAt?: string
}

/** Problems that get a line of their own in the log; beyond that they are only counted. */
const told = 1000

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

/** Looks whether there is something to adopt: the store holds images of registry:2 and was never adopted into this database. */
export async function openAdoption(
  parts: ContentParts & { uploads: Uploads },
  repositories: Repositories,
  log: Log,
): Promise<Adoption> {
  const { stores, now } = parts
  const repository = repositories.default
  const { driver } = stores(repository.store)
  const before = await recallAdopted(parts, repository.store)
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
        ...(before.after !== undefined && { after: before.after }),
      })
      try {
        await adopt(signal)
      } catch (error) {
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
      after: before.after,
      remember: (queries, after) => remember(queries, factOf(repository.store), JSON.stringify({ after })),
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

/** Whether a blob store holds images of registry:2 that were not, or not all, taken over. */
export async function hasUnfinishedAdoption(parts: ContentParts, store: string): Promise<boolean> {
  const { doneAt } = await recallAdopted(parts, store)
  return doneAt === undefined && hasImages(parts.stores(store).driver)
}

/** Notes that this store needs no adoption at the next start. */
export function rememberAdopted({ db }: Pick<ContentParts, 'db'>, store: string, at: number): Promise<void> {
  return remember(db.queries, factOf(store), JSON.stringify({ doneAt: new Date(at).toISOString() } satisfies Adopted))
}

async function recallAdopted({ db }: Pick<ContentParts, 'db'>, store: string): Promise<Adopted> {
  return JSON.parse((await recall(db.queries, factOf(store))) ?? '{}') as Adopted
}

function factOf(store: string): string {
  return `adoption of blob store ${store}`
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
