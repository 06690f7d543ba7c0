import type { Benchmark } from '../harness/bench.ts'
import { syncFileSystem } from '../harness/bench.ts'
import { startClient } from '../harness/process.ts'
import { rounds } from '../harness/rounds.ts'

const atOnce = 8
const layerBytes = 16_384

export const smallPushes: Benchmark = {
  name: 'small-pushes',
  title: 'Pushes of small images',
  method: ({ smallImages }) =>
    `${smallImages} images, ${atOnce} at once, each of a config, one layer of ${layerBytes / 1024} KB and a manifest, all of unique content, into an empty data folder. ` +
    'For each blob: HEAD, POST, PATCH, PUT, HEAD; then PUT of the manifest by tag: 11 requests an image over kept connections, from a client in a ' +
    'process of its own. The client shares the cores with the server, so its own time (given in the note) is part of every number.',
  async run({ subject, peer, sizes, serving }) {
    let clientSeconds = 0
    const [own, others] = await rounds(sizes.rounds, [subject, peer], (registry, round) =>
      serving(registry, {}, async ({ url, settings }) => {
        await syncFileSystem(settings.dataDir)
        const task = { url, images: sizes.smallImages, atOnce, layerBytes, seed: `r${round}` }
        const { seconds, cpuSeconds } = await startClient<{ seconds: number; cpuSeconds: number }>(
          'push-images',
          task,
          120,
        ).answer
        clientSeconds = cpuSeconds
        const answered = performance.now()
        if (!registry.durableOnceAnswered) await syncFileSystem(settings.dataDir)
        return { answered: seconds, durable: seconds + (performance.now() - answered) / 1000 }
      }),
    )
    const work = `push of ${sizes.smallImages} small images, ${atOnce} at once`
    const seconds = (samples: typeof own, ending: 'answered' | 'durable') => samples!.map((sample) => sample[ending])
    const shared = {
      unit: 's',
      better: 'lower',
      note: `Processor time of the client in the last round: ${clientSeconds.toFixed(2)} s.`,
    } as const
    return [
      {
        ...shared,
        work: `${work}: ending durable`,
        subject: seconds(own, 'durable'),
        peers: [
          {
            name: `${peer.name}${peer.durableOnceAnswered ? '' : ' + sync'}`,
            values: seconds(others, 'durable'),
            ratio: 3,
          },
        ],
      },
      {
        ...shared,
        work: `${work}: answered`,
        subject: seconds(own, 'answered'),
        peers: [{ name: peer.name, values: seconds(others, 'answered') }],
      },
    ]
  },
}
