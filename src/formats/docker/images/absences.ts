/** What an upstream said is not there, for a short while, so that a client that asks again and again does not reach it each time. */
export interface Absences {
  has(key: string): boolean
  add(key: string): void
}

const capacity = 10_000

/** Believes it for `ageMs`. Beyond ten thousand entries the oldest is forgotten. */
export function createAbsences(ageMs: number, now: () => number): Absences {
  const until = new Map<string, number>()
  return {
    has(key) {
      const end = until.get(key)
      // An end further away than can be means that the clock was set back.
      if (end !== undefined && end > now() && end <= now() + ageMs) return true
      until.delete(key)
      return false
    },
    add(key) {
      if (ageMs <= 0) return
      until.delete(key)
      if (until.size >= capacity) until.delete(until.keys().next().value!)
      until.set(key, now() + ageMs)
    },
  }
}
