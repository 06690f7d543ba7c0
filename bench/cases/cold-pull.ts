import { randomBytes } from 'node:crypto'
import type { Bench, Benchmark, Server } from '../harness/bench.ts'
import type { Comparison } from '../harness/comparison.ts'
import { blobOf } from '../harness/content.ts'
import { type Pull, pullAtOnce } from '../harness/curl.ts'
import type { Registry } from '../harness/program.ts'
import { pushBlob } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'
import { dockerRegistry } from '../programs/docker-registry.ts'
import { relayTo } from '../programs/relay.ts'

const image = 'bench/app'
const limit = 100_000_000
const limitedRounds = 3
const warmUp = blobOf(randomBytes(30_000_000))
const pathOf = ({ digest }: { digest: string }) => `/v2/${image}/blobs/${digest}`

export const coldPull: Benchmark = {
  name: 'cold-pull',
  title: 'Cold pull through a proxy',
  method: ({ coldBytes }) =>
    `One blob of ${coldBytes / 1e6} MB that the proxy does not have, pulled once by curl: straight from the upstream (a docker-registry), through Entrepot and through ` +
    'docker-registry in proxy mode. Each round is a fresh start with an empty data folder, warmed up by a blob of 30 MB. Unlimited: all on loopback, so that what is ' +
    `measured is the processor time that client, proxy and upstream share. Limited: the upstream stands behind a relay that lets ${limit / 1e6} MB/s through a connection. ` +
    'Entrepot sends the last byte when all bytes are verified; docker-registry passes on what comes, and downloads a second time to store it.',
  async run(bench) {
    const blob = blobOf(randomBytes(bench.sizes.coldBytes))
    const upstream = await bench.start(dockerRegistry)
    for (const one of [blob, warmUp]) await pushBlob(upstream.url, image, one)
    const relay = await bench.start(relayTo(upstream.url, limit))
    return [
      ...unlimited(bench, await measure(bench, upstream, blob, bench.sizes.rounds)),
      ...limited(bench, await measure(bench, relay, blob, Math.min(limitedRounds, bench.sizes.rounds))),
    ]
  },
}

interface Sides {
  own: Pull[]
  peer: Pull[]
  direct: Pull[]
}

async function measure(bench: Bench, upstream: Server, blob: ReturnType<typeof blobOf>, count: number): Promise<Sides> {
  const pull = async (url: string) => {
    await pullAtOnce(url + pathOf(warmUp), warmUp.bytes.length)
    return (await pullAtOnce(url + pathOf(blob), blob.bytes.length))[0]!
  }
  const through = (registry: Registry) => bench.serving(registry, { upstream: upstream.url }, ({ url }) => pull(url))
  const sides = [() => through(bench.subject), () => through(bench.peer), () => pull(upstream.url)]
  const [own, peer, direct] = await rounds(count, sides, (side) => side())
  return { own: own!, peer: peer!, direct: direct! }
}

function unlimited({ sizes, peer }: Bench, sides: Sides): Comparison[] {
  const totals = (pulls: Pull[]) => pulls.map(({ total }) => total)
  return [
    {
      work: `cold pull of ${sizes.coldBytes / 1e6} MB, loopback without limit`,
      unit: 's',
      better: 'lower',
      subject: totals(sides.own),
      peers: [
        { name: `${peer.name}, proxy`, values: totals(sides.peer), ratio: 1 },
        { name: 'direct', values: totals(sides.direct) },
      ],
    },
  ]
}

/** Both are told per round, against the direct pull of the same round. */
function limited({ sizes, peer }: Bench, { own, peer: other, direct }: Sides): Comparison[] {
  const work = `cold pull of ${sizes.coldBytes / 1e6} MB, upstream at ${limit / 1e6} MB/s`
  const longer = (pulls: Pull[]) => pulls.map(({ total }, round) => total / direct[round]!.total)
  const later = (pulls: Pull[]) => pulls.map(({ firstByte }, round) => (firstByte - direct[round]!.firstByte) * 1000)
  const name = `${peer.name}, proxy`
  return [
    {
      work: `${work}: time against direct`,
      unit: 'x',
      better: 'lower',
      subject: longer(own),
      limit: 1.05,
      peers: [{ name, values: longer(other) }],
    },
    {
      work: `${work}: first byte after that of the upstream`,
      unit: 'ms',
      better: 'lower',
      subject: later(own),
      limit: 50,
      peers: [{ name, values: later(other) }],
    },
  ]
}
