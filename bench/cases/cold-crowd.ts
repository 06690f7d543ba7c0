import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark } from '../harness/bench.ts'
import { blobOf } from '../harness/content.ts'
import { pullAtOnce } from '../harness/curl.ts'
import { residentMegabytes } from '../harness/process.ts'
import { pushBlob } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'
import { dockerRegistry } from '../programs/docker-registry.ts'

const image = 'bench/app'

interface Sample {
  seconds: number
  megabytes: number
  downloads: number
}

export const coldCrowd: Benchmark = {
  name: 'cold-crowd',
  title: 'Many cold pulls at once through a proxy',
  method: ({ crowd, crowdBytes }) =>
    `${crowd} clients (one curl) ask at once for one blob of ${crowdBytes / 1e6} MB that the proxy does not have. Wall time until all have it; downloads as the upstream, a docker-registry, ` +
    'counts them (GET requests for the blob in its log); and the highest of a sample of resident memory every 0.1 s. Each round is a fresh start with an empty data folder.',
  async run(bench) {
    const { subject, peer, sizes } = bench
    const blob = blobOf(randomBytes(sizes.crowdBytes))
    const upstream = await bench.start(dockerRegistry, { variables: { REGISTRY_LOG_ACCESSLOG_DISABLED: 'false' } })
    await pushBlob(upstream.url, image, blob)
    const path = `/v2/${image}/blobs/${blob.digest}`
    const asked = () => readFileSync(upstream.logFile, 'utf8').split(`"GET ${path} `).length - 1

    const measure = (registry: typeof subject) =>
      bench.serving(registry, { upstream: upstream.url }, async ({ url, pid }): Promise<Sample> => {
        const before = asked()
        const began = performance.now()
        let seconds: number | undefined
        let megabytes = 0
        const done = pullAtOnce(url + path, sizes.crowdBytes, sizes.crowd).finally(() => {
          seconds = (performance.now() - began) / 1000
        })
        done.catch(() => undefined)
        while (seconds === undefined) {
          megabytes = Math.max(megabytes, residentMegabytes(pid))
          await sleep(100)
        }
        await done
        return { seconds, megabytes, downloads: asked() - before }
      })
    const [own, others] = await rounds(Math.min(3, sizes.rounds), [subject, peer], measure)
    const row = (what: keyof Sample) => ({
      subject: own!.map((sample) => sample[what]),
      peers: [{ name: `${peer.name}, proxy`, values: others!.map((sample) => sample[what]) }],
    })
    const work = `${sizes.crowd} cold pulls at once of ${sizes.crowdBytes / 1e6} MB`
    const shared = { better: 'lower' } as const
    return [
      { ...shared, work, unit: 's', ...row('seconds') },
      { ...shared, work: `${work}: downloads from the upstream`, unit: 'downloads', limit: 1, ...row('downloads') },
      { ...shared, work: `${work}: memory`, unit: 'MB', limit: 250, ...row('megabytes') },
    ]
  },
}
