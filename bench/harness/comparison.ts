import { advantage, median, summarize } from './statistics.ts'

export type Unit = 'requests/s' | 'MB/s' | 'references/s' | 'manifests/s' | 'downloads' | 's' | 'ms' | 'MB' | 'x'

/** What a row must reach: a multiple of the peer, or a number of its own that is a floor or a ceiling as its unit is better. */
export type Budget = { ratio: number } | { limit: number }

export type Verdict = 'met' | 'missed' | 'no budget'

/** One kind of work, measured on the subject and on any number of peers in the same rounds. */
export interface Comparison {
  work: string
  unit: Unit
  better: 'higher' | 'lower'
  subject: readonly number[]
  /** Applies to the subject alone. */
  limit?: number
  peers: readonly { name: string; values: readonly number[]; ratio?: number }[]
  /** What a reader must know to read these numbers. */
  note?: string
}

/** One line of the table on top. */
export interface Row {
  work: string
  subject: string
  peer: string
  ratio: string
  budget: string
  verdict: Verdict
}

/** One row for each peer, and one for the subject's own limit. */
export function rowsOf(comparison: Comparison): Row[] {
  const { work, unit, better, subject, limit, peers } = comparison
  const own = median(subject)
  const rows: Row[] = peers.map((peer) => {
    const ratio = advantage(own, median(peer.values), better)
    return {
      work,
      subject: spread(subject, unit),
      peer: `${peer.name}: ${spread(peer.values, unit)}`,
      ratio: `${number(ratio)}x`,
      budget: peer.ratio === undefined ? '' : `at least ${peer.ratio}x`,
      verdict: peer.ratio === undefined ? 'no budget' : ratio >= peer.ratio ? 'met' : 'missed',
    }
  })
  if (limit === undefined) return rows
  const reached = better === 'higher' ? own >= limit : own <= limit
  const budget = `${better === 'higher' ? 'at least' : 'at most'} ${number(limit)} ${unit}`
  const verdict = reached ? 'met' : 'missed'
  const [first] = rows
  // A lone peer without a budget is there to compare with: one row says both.
  if (rows.length === 1 && first && first.verdict === 'no budget') return [{ ...first, budget, verdict }]
  return [...rows, { work, subject: spread(subject, unit), peer: '', ratio: '', budget, verdict }]
}

/** `72,100 requests/s (70,000 to 75,000)`: the median, then the extremes when there was more than one round. */
export function spread(values: readonly number[], unit: Unit): string {
  const { median: middle, min, max, rounds } = summarize(values)
  const range = rounds > 1 ? ` (${number(min)} to ${number(max)})` : ''
  return `${number(middle)} ${unit}${range}`
}

/** Three significant digits, no decimals from 100 up, thousands separated. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const decimals = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  const [whole, fraction] = value.toFixed(Math.min(decimals, 4)).split('.')
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction ? `${grouped}.${fraction}` : grouped
}
