const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]
/** After that a date says more than a number of days. */
const longestRelativeMs = 30 * 86_400_000

/** How long ago, `3 hours ago`; a date when that is more than a month. */
export function formatAgo(at: Date, now: Date, tag = 'en'): string {
  const ms = at.getTime() - now.getTime()
  if (Math.abs(ms) > longestRelativeMs) return new Intl.DateTimeFormat(tag, { dateStyle: 'medium' }).format(at)
  const [unit, length] = steps.find(([, each]) => Math.abs(ms) >= each) ?? (['second', 1000] as const)
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: 'auto' })
  return relative.format(unit === 'second' ? 0 : Math.trunc(ms / length), unit)
}

/** The exact time where the browser is, with seconds and the zone. */
export function formatExact(at: Date, tag = 'en'): string {
  return new Intl.DateTimeFormat(tag, { dateStyle: 'full', timeStyle: 'long' }).format(at)
}
