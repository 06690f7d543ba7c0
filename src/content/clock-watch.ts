/** The wall clock may stray this far from the steady one between two looks before we say that it was set. */
const toleranceMs = 30_000

/**
 * Notices that the wall clock was set forward, or that the machine slept: leases that seem to be over may have begun a moment ago.
 * Set back, it only makes leases longer.
 */
export function createClockWatch(wall: () => number, steady: () => number, restMs: number) {
  let apart: number | undefined
  let restUntil = Number.NEGATIVE_INFINITY

  return {
    /** False for `restMs` after the clock was found to have been set forward since the previous call. */
    isTrusted(): boolean {
      const before = apart
      apart = wall() - steady()
      if (before !== undefined && apart - before > toleranceMs) restUntil = steady() + restMs
      return steady() >= restUntil
    },
  }
}
