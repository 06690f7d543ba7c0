import { AppError } from '../../../errors.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { UpstreamFind } from '../../../upstream/search.ts'
import type { Upstream } from '../../../upstream/upstream.ts'
import { createFlights } from './flights.ts'
import type { IndexHit } from './image-source.ts'
import { isImageName } from './names.ts'

/** How long a search waits for an index, and how many results it asks it for: whatever page a client wants is cut from these. */
const patienceMs = 3_000
const finds = 100

/** How long an answer is good for, and how long an index that did not answer is left alone. */
const keptMs = 60_000
const restMs = 15_000

/** Terms whose results are kept, and searches that may be under way. */
const capacity = 50
const maxAtOnce = 4

interface IndexParts {
  /** Name of the proxy repository. */
  repository: string
  upstream: Pick<Upstream, 'search' | 'canonical'>
  log: Log
  now: () => number
}

/** Asks the index of a proxy's upstream. It never fails: a search tells what is here whether the index answers or not. */
export function createIndexSearch({ repository, upstream, log, now }: IndexParts) {
  const flights = createFlights<IndexHit[]>()
  const kept = new Map<string, { hits: IndexHit[]; until: number }>()
  let underWay = 0
  let restUntil = 0

  function toHit(find: UpstreamFind): IndexHit[] {
    const canonical = upstream.canonical(find.name)
    return isImageName(find.name) && isImageName(canonical) ? [{ ...find, canonical, from: repository }] : []
  }

  async function ask(term: string): Promise<IndexHit[]> {
    const signal = AbortSignal.timeout(patienceMs)
    underWay++
    try {
      const hits = (await upstream.search(term, finds, signal)).flatMap(toHit)
      if (kept.size >= capacity) kept.delete(kept.keys().next().value as string)
      kept.set(term, { hits, until: now() + keptMs })
      return hits
    } catch (error) {
      restUntil = now() + restMs
      if (!(error instanceof AppError) && !signal.aborted)
        log.error('a search in an index failed', { repository, error })
      const reason = signal.aborted ? `no answer within ${patienceMs / 1000} s` : (error as Error).message
      log.warn('an index could not be searched: only what is here was', { repository, reason })
      return []
    } finally {
      underWay--
    }
  }

  return async (term: string): Promise<IndexHit[]> => {
    const known = kept.get(term)
    if (known && known.until > now()) return known.hits
    kept.delete(term)
    // A clock that was set back must not silence it for long.
    const isResting = restUntil > now() && restUntil <= now() + restMs
    if (term === '' || isResting) return []
    return flights.share(term, async () => (underWay < maxAtOnce ? ask(term) : []))
  }
}
