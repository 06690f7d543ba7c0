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
  /** A source that does not answer should delay nobody for long. */
  some: 1000,
  /** Asking may begin a download. */
  endless: Number.POSITIVE_INFINITY,
}

/** The most telling first: what somebody can wait for or repair. */
const telling: ErrorCode[] = [
  'throttled',
  'unauthenticated',
  'denied',
  'policy-refused',
  'upstream-failed',
  'upstream-timeout',
  'unavailable',
]

/** The troubles of members, until it is known whether anybody needs to hear of them. */
export interface Troubles {
  /** Takes note of a member's failure. Throws what is no trouble of an upstream: that is a failure of ours. */
  note(source: Source, error: unknown): void
  /** Throws the most telling one, if there was any; else there is nothing. */
  throwIfAny(): undefined
}

export function collectTroubles(memory: GroupMemory, log: Log, about: Record<string, unknown>): Troubles {
  const troubles: AppError[] = []
  return {
    note({ name, isHosted }, error) {
      if (isHosted || !(error instanceof AppError)) throw error
      troubles.push(error)
      memory.troubled(name)
      log.warn(`member ${name} of a group could not answer: ${error.message}`, { ...about, code: error.code })
    },
    throwIfAny() {
      const rank = ({ code }: AppError) => (telling.includes(code) ? telling.indexOf(code) : telling.length)
      const [first] = troubles.toSorted((one, other) => rank(one) - rank(other))
      if (first) throw first
      return undefined
    },
  }
}

/** Asks sources until one has it, and does not wait for those behind it. Failures go to `troubles`. */
export async function firstInOrder<Found>(
  sources: readonly Source[],
  ask: (source: Source) => Promise<Found | undefined> | Found | undefined,
  troubles: Troubles,
  patienceMs: number,
): Promise<{ found: Found; source: Source } | undefined> {
  const asked: Promise<{ found?: Found | undefined; error?: unknown }>[] = []
  const begin = (index: number) => {
    const source = sources[index]
    if (source && asked.length === index) asked.push(settle(() => ask(source)))
  }
  for (const [index, source] of sources.entries()) {
    for (let next = index; next === index || (patienceMs === 0 && next < sources.length); next++) begin(next)
    const timer = Number.isFinite(patienceMs) ? setInterval(() => begin(asked.length), patienceMs) : undefined
    const { found, error } = await asked[index]!.finally(() => clearInterval(timer))
    if (error !== undefined) troubles.note(source, error)
    else if (found !== undefined) return { found, source }
  }
  return undefined
}

/** A failure as a value: nobody may ever wait for this answer. */
async function settle<Found>(ask: () => Promise<Found | undefined> | Found | undefined) {
  try {
    return { found: await ask() }
  } catch (error) {
    return { error }
  }
}
