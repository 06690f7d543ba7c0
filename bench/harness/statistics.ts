/** What several rounds of one measurement came to. */
export interface Summary {
  median: number
  min: number
  max: number
  rounds: number
}

/** The middle value; the mean of the two middle ones for an even count. Throws a RangeError for no values at all. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('a median needs at least one value')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Median, extremes and count. Throws a RangeError for no values at all. */
export function summarize(values: readonly number[]): Summary {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), rounds: values.length }
}

/** How many times better the subject is than the peer (2 = twice as good), whichever direction is better. */
export function advantage(subject: number, peer: number, better: 'higher' | 'lower'): number {
  return better === 'higher' ? subject / peer : peer / subject
}
