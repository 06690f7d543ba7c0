import type { Handler } from './incoming.ts'

export interface Checked {
  readonly description: string
  /** Throws with the reason when the part cannot do its work. */
  check(): Promise<void>
}

/** How long an answer of `/readyz` is good for: probes must not become load. */
const cacheMs = 1000

/** `/healthz`: the process lives. `/readyz`: it can serve, with the reason when it cannot. Neither needs a login, neither tells secrets. */
export function createHealth(parts: Checked[], isDraining: () => boolean): { healthz: Handler; readyz: Handler } {
  let last: { at: number; problems: Promise<string[]> } | undefined

  function problems(): Promise<string[]> {
    const now = performance.now()
    if (!last || now - last.at > cacheMs)
      last = { at: now, problems: Promise.all(parts.map(problemOf)).then((all) => all.flat()) }
    return last.problems
  }

  return {
    healthz: () => Response.json({ status: 'ok' }),
    async readyz() {
      const found = isDraining() ? ['shutting down'] : await problems()
      return Response.json(found.length === 0 ? { status: 'ok' } : { status: 'unavailable', problems: found }, {
        status: found.length === 0 ? 200 : 503,
      })
    },
  }
}

async function problemOf({ description, check }: Checked): Promise<string[]> {
  try {
    await check()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : `${description}: ${String(error)}`]
  }
}
