import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Benchmark, Server } from '../harness/bench.ts'
import { blobOf } from '../harness/content.ts'
import { residentMegabytes, startClient } from '../harness/process.ts'
import { pushBlob } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'

const pushBytes = 10_000_000
const pushMilliseconds = 75
const seconds = 15
const image = 'bench/app'

interface Sample {
  idle: number
  loaded: number
}

export const memory: Benchmark = {
  name: 'memory',
  title: 'Memory',
  method: ({ slowPulls, slowPushes, blobBytes }) =>
    'Resident memory (VmRSS of the process and its children, 1 MB = 10^6 bytes). Idle: three seconds after it first answered, nothing asked since. ' +
    `Loaded: the highest of a sample every 0.25 s during ${seconds} s with ${slowPulls} pulls of a ${blobBytes / 1e6} MB blob, each reading at most 64 KB a second, and at ` +
    `once ${slowPushes} pushes of ${pushBytes / 1e6} MB each, 64 KB every ${pushMilliseconds} ms. Every pull must still be open at the end and every push end in 201. Each round is a fresh start.`,
  async run(bench) {
    const { subject, peer, sizes } = bench
    const blob = blobOf(randomBytes(sizes.blobBytes))
    const values = await rounds(sizes.memoryRounds, [subject, peer], async (registry): Promise<Sample> => {
      const idle = await bench.serving(registry, {}, async ({ pid }) => {
        await sleep(3000)
        return residentMegabytes(pid)
      })
      return { idle, loaded: await bench.serving(registry, {}, (server) => underLoad(bench, server, blob)) }
    })
    const [own, others] = values as [Sample[], Sample[]]
    const shared = { unit: 'MB', better: 'lower' } as const
    return [
      {
        ...shared,
        work: 'memory idle',
        subject: own.map(({ idle }) => idle),
        limit: 90,
        peers: [{ name: peer.name, values: others.map(({ idle }) => idle) }],
      },
      {
        ...shared,
        work: `memory with ${sizes.slowPulls} slow pulls and ${sizes.slowPushes} pushes`,
        subject: own.map(({ loaded }) => loaded),
        limit: 250,
        peers: [{ name: peer.name, values: others.map(({ loaded }) => loaded) }],
      },
    ]
  },
}

async function underLoad({ sizes }: Bench, { url, pid }: Server, blob: ReturnType<typeof blobOf>): Promise<number> {
  await pushBlob(url, image, blob)
  const load = { pulls: sizes.slowPulls, pushes: sizes.slowPushes }
  const task = { url, blobPath: `/v2/${image}/blobs/${blob.digest}`, ...load, pushBytes, pushMilliseconds, seconds }
  const client = startClient<{ pulls: number; pushes: number }>('slow-traffic', task, 120)
  let ended = false
  const done = client.answer.finally(() => {
    ended = true
  })
  let highest = 0
  while (!ended) {
    highest = Math.max(highest, residentMegabytes(pid))
    await sleep(250)
  }
  const answer = await done
  if (answer.pulls < load.pulls || answer.pushes < load.pushes) {
    throw new Error(`of ${JSON.stringify(load)} only ${JSON.stringify(answer)} were served`)
  }
  return highest
}
