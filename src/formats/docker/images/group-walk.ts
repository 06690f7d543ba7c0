import { AppError, type ErrorCode } from '../../../errors.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { GroupMemory } from './group-memory.ts'
import type { Images } from './image-source.ts'

/** A member of a group with its images. */
export interface Source {
  name: string
  isHosted: boolean
  images: Images
}

/** How long an answer is waited for before the next source is asked too. Which answer counts is a matter of order all the same. */
export const patience = {
  /** Asking costs little, and most sources will not have it. */
  none: 0,
  /** Long enough that a quick source is asked alone: the others need not hear of the image. */
  some: 200,
  /** What a source that did not answer the last time gets before a later one may stand in for it. */
  doubted: 1000,
  /** Asking may begin a download. */
  endless: Number.POSITIVE_INFINITY,
}

/** The most telling first: what somebody can wait for or repair. Docker Hub denies what it does not have, so that comes last. */
const telling: ErrorCode[] = [
  'throttled',
  'unauthenticated',
  'upstream-timeout',
  'upstream-failed',
  'upstream-blocked',
  'unavailable',
  'policy-refused',
  'denied',
]

/** What came of asking one source. */
type Outcome<Found> = { found: Found | undefined } | { error: unknown }

/** The troubles of members, until it is known whether anybody needs to hear of them. */
export interface Troubles {
  /** Takes note of a member's failure. Throws what is no trouble of an upstream: that is a failure of ours. */
  note(source: Source, error: unknown): void
  /** Takes note that a member answered, whatever it said. */
  answered(source: Source): void
  /** As `note`, of a member that nobody waits for any more. */
  noteLate(source: Source, error: unknown): void
  isDoubted(source: Source): boolean
  /** Throws the most telling one, if there was any; else there is nothing. */
  throwIfAny(): undefined
}

export function collectTroubles(memory: GroupMemory, log: Log, about: Record<string, unknown>): Troubles {
  const troubles: AppError[] = []
  function note({ name, isHosted }: Source, error: unknown): void {
    if (isHosted || !(error instanceof AppError)) throw error
    troubles.push(error)
    if (isOutage(error)) memory.troubled(name)
    log.warn(`member ${name} of a group could not answer: ${error.message}`, { ...about, code: error.code })
  }
  return {
    note,
    noteLate(source, error) {
      try {
        note(source, error)
      } catch (ours) {
        log.error(`asking member ${source.name} of a group failed`, { ...about, error: ours })
      }
    },
    answered: ({ name }) => memory.well(name),
    isDoubted: ({ name }) => memory.isDoubted(name),
    throwIfAny() {
      const rank = ({ code }: AppError) => (telling.includes(code) ? telling.indexOf(code) : telling.length)
      const [first] = troubles.toSorted((one, other) => rank(one) - rank(other))
      if (first) throw first
      return undefined
    },
  }
}

/**
 * Whether the member itself is in trouble. What it refuses or spoils for one image says nothing of others: else whoever asks for such an image
 * could put the member behind others.
 */
function isOutage({ code, detail }: AppError): boolean {
  if (code === 'upstream-failed') return typeof detail === 'object' && detail !== null && 'upstream' in detail
  return ['upstream-timeout', 'unavailable', 'throttled', 'unauthenticated'].includes(code)
}

/**
 * Asks sources until one has it. A source that comes first wins even when a later one is quicker, unless it is doubted: then it is waited for only
 * when no other one has it. Failures go to `troubles`.
 */
export async function firstInOrder<Found>(
  sources: readonly Source[],
  ask: (source: Source) => Promise<Found | undefined> | Found | undefined,
  troubles: Troubles,
  patienceMs: number,
): Promise<{ found: Found; source: Source } | undefined> {
  const asked: Promise<Outcome<Found>>[] = []
  const begin = (index: number) => {
    const source = sources[index]
    if (source && asked.length === index) asked.push(settle(() => ask(source)))
  }
  /** Notes it, and passes on what was found. */
  const judge = (source: Source, outcome: Outcome<Found>, note = troubles.note): Found | undefined => {
    if ('error' in outcome) note(source, outcome.error)
    else if (!isStale(outcome.found)) troubles.answered(source)
    return 'error' in outcome ? undefined : outcome.found
  }
  const late: { source: Source; outcome: Promise<Outcome<Found>> }[] = []
  const inBackground = () => {
    for (const { source, outcome } of late) void outcome.then((one) => judge(source, one, troubles.noteLate))
  }
  for (const [index, source] of sources.entries()) {
    for (let next = index; next === index || (patienceMs === 0 && next < sources.length); next++) begin(next)
    const outcome = asked[index] as Promise<Outcome<Found>>
    const timer = Number.isFinite(patienceMs) ? setInterval(() => begin(asked.length), patienceMs) : undefined
    const isDoubted = troubles.isDoubted(source) && index + 1 < sources.length
    const settled = await (isDoubted ? within(outcome, patience.doubted) : outcome).finally(() => clearInterval(timer))
    if (settled === undefined) {
      late.push({ source, outcome })
      continue
    }
    const found = judge(source, settled)
    if (found === undefined) continue
    inBackground()
    return { found, source }
  }
  for (let one = late.shift(); one; one = late.shift()) {
    const found = judge(one.source, await one.outcome)
    if (found === undefined) continue
    inBackground()
    return { found, source: one.source }
  }
  return undefined
}

/** Whether a proxy answered from its cache because its upstream did not. */
function isStale(found: unknown): boolean {
  return typeof found === 'object' && found !== null && 'warning' in found && found.warning !== undefined
}

/** What a promise resolves with; undefined when it takes longer. */
export async function within<Value>(promise: Promise<Value>, ms: number): Promise<Value | undefined> {
  let timer: Timer | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** A failure as a value: nobody may ever wait for this answer. */
async function settle<Found>(ask: () => Promise<Found | undefined> | Found | undefined): Promise<Outcome<Found>> {
  try {
    return { found: await ask() }
  } catch (error) {
    return { error }
  }
}
