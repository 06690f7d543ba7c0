import type { Handler } from './incoming.ts'

export interface Checked {
  readonly description: string
  /** Throws with the reason when the part cannot do its work. */
  check(): Promise<void>
}

/** How long an answer of `/readyz` is good for: probes must not become load. */
const cacheMs = 1000

/**
 * `/healthz`: the process lives. `/readyz`: it can serve, with the reason when it cannot. `debugHealth` says the same in the form of
 * distribution's `/debug/health`. None needs a login, none tells secrets.
 */
export function createHealth(
  parts: Checked[],
  isDraining: () => boolean,
): Record<'healthz' | 'readyz' | 'debugHealth', Handler> {
  let last: { at: number; problems: Promise<Problem[]> } | undefined

  async function problems(): Promise<Problem[]> {
    if (isDraining()) return [['process', 'shutting down']]
    const now = performance.now()
    if (!last || now - last.at > cacheMs)
      last = { at: now, problems: Promise.all(parts.map(problemOf)).then((all) => all.flat()) }
    return last.problems
  }

  return {
    healthz: () => Response.json({ status: 'ok' }),
    async readyz() {
      const found = await problems()
      if (found.length === 0) return Response.json({ status: 'ok' })
      return Response.json({ status: 'unavailable', problems: found.map(([, reason]) => reason) }, { status: 503 })
    },
    async debugHealth() {
      const found = await problems()
      return Response.json(Object.fromEntries(found), { status: found.length === 0 ? 200 : 503 })
    },
  }
}

/** The part, and what is wrong with it. */
type Problem = [description: string, reason: string]

async function problemOf({ description, check }: Checked): Promise<Problem[]> {
  try {
    await check()
    return []
  } catch (error) {
    return [[description, error instanceof Error ? error.message : `${description}: ${String(error)}`]]
  }
}
