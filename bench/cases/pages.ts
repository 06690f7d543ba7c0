import type { Bench } from '../harness/bench.ts'
import type { Comparison } from '../harness/comparison.ts'
import { getLatency } from '../harness/latency.ts'
import type { Content } from '../harness/program.ts'
import { request } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'

const budgetMilliseconds = 5
const maximumRequests = 500

/** A page may cost this much more over the many than over the few and still count as flat: the spread between two runs of the same. */
const flatWithin = 1.5

/** What both kinds of listing measure alike. */
export const pageMethod =
  `GETs one after the other over a kept connection, whole body read; a value is the median of a round of at most ${maximumRequests} requests or 3 s. ` +
  `Flat means: over the many at most ${flatWithin}x the time over the few, by the medians of each round.`

/** First pages of a listing over many and over few entries: each within the budget, and flat as they grow. */
export async function comparePages(
  bench: Bench,
  kind: Content['kind'],
  counts: { many: number; few: number },
  listing: { path: string; key: string; what: string },
): Promise<Comparison[]> {
  const { sizes, peer } = bench
  const sides = []
  for (const count of [counts.many, counts.few]) {
    for (const registry of [bench.subject, bench.peer]) {
      const server = await bench.start(registry, { dataDir: await bench.filled(registry, { kind, count }) })
      sides.push({ registry, server, count })
    }
  }
  const results: Comparison[] = []
  for (const [query, page] of [
    ['?n=100', 'first page, n=100'],
    ['', 'first page, no n'],
  ] as const) {
    for (const { server, registry, count } of sides) {
      const least = query ? Math.min(100, count) : 1
      const found = await entries(`${server.url}${listing.path}${query}`, listing.key)
      if (found < least || (query && registry.pagesTags && found > least)) {
        throw new Error(`${registry.name} answers ${found} of ${count} ${kind} for "${query}", expected ${least}`)
      }
    }
    const values = await rounds(sizes.rounds, sides, ({ server }) =>
      getLatency(`${server.url}${listing.path}${query}`, { requests: maximumRequests, seconds: 3 }),
    )
    const [ownMany, peerMany, ownFew, peerFew] = values as [number[], number[], number[], number[]]
    const work = (count: number) => `${listing.what}: ${page} of ${count.toLocaleString('en')}`
    const compared = { unit: 'ms', better: 'lower', limit: budgetMilliseconds } as const
    results.push(
      { ...compared, work: work(counts.many), subject: ownMany, peers: [{ name: peer.name, values: peerMany }] },
      { ...compared, work: work(counts.few), subject: ownFew, peers: [{ name: peer.name, values: peerFew }] },
      {
        work: `${listing.what}: ${page}, growth from ${counts.few.toLocaleString('en')} to ${counts.many.toLocaleString('en')}`,
        unit: 'x',
        better: 'lower',
        subject: ownMany.map((value, round) => value / ownFew[round]!),
        limit: flatWithin,
        peers: [{ name: peer.name, values: peerMany.map((value, round) => value / peerFew[round]!) }],
      },
    )
  }
  return results
}

async function entries(url: string, key: string): Promise<number> {
  const page = (await (await request('GET', url, [200])).json()) as Record<string, unknown[] | null>
  return page[key]?.length ?? 0
}
