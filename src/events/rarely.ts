/** So many are remembered; the oldest are forgotten, and news once more. */
const most = 10_000

/** Whether something is news: true for a key at most once in `everyMs`. What happens all the time must not fill the audit log. `now` is milliseconds. */
export function createRarely(everyMs: number, now: () => number): (key: string) => boolean {
  const told = new Map<string, number>()
  return (key) => {
    const at = now()
    const last = told.get(key)
    if (last !== undefined && at - last < everyMs) return false
    told.delete(key)
    told.set(key, at)
    if (told.size > most) told.delete(told.keys().next().value!)
    return true
  }
}
