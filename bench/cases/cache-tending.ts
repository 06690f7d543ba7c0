import type { Answer } from '../clients/tend-cache.ts'
import type { Benchmark } from '../harness/bench.ts'
import { startClient } from '../harness/process.ts'

const task = { images: 2000, each: 50, evict: 10_000 }

/** Of Entrepot's sources alone, in one process: the proxies of docker-registry have no size. */
export const cacheTending: Benchmark = {
  name: 'cache',
  title: "The life of a proxy's cache",
  method: () =>
    `${(task.images * task.each).toLocaleString('en')} cached manifests of ${task.images.toLocaleString('en')} images with 5 layers of their own each, in SQLite. The whole cache is measured, ` +
    `and ${task.evict.toLocaleString('en')} manifests are evicted for the sake of its size, while one client pulls manifests.`,
  async run() {
    const client = startClient<Answer>('tend-cache', task, 300)
    const answer = await client.answer
    if (answer.evicted < task.evict * 0.99) throw new Error(`only ${answer.evicted} manifests were evicted`)
    const high = { unit: 'manifests/s', better: 'higher', peers: [] } as const
    const low = { unit: 'ms', better: 'lower', peers: [] } as const
    const note = `${answer.pulls} pulls meanwhile.`
    return [
      { ...high, work: 'measuring a cache', subject: [answer.measured / answer.measureSeconds], limit: 10_000 },
      { ...high, work: 'evicting from a cache', subject: [answer.evicted / answer.evictSeconds], limit: 200, note },
      { ...low, work: 'pull meanwhile, 99 of 100', subject: [answer.pullAtWorst1Percent], limit: 50 },
      { ...low, work: 'longest stall meanwhile', subject: [answer.longestStall], limit: 250 },
    ]
  },
}
