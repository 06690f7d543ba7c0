import type { Bench, Benchmark } from '../harness/bench.ts'
import type { Comparison } from '../harness/comparison.ts'
import { rounds } from '../harness/rounds.ts'

export const startTime: Benchmark = {
  name: 'start',
  title: 'Start',
  method: ({ starts, tags }) =>
    `From the start of the process to the first 200 on \`/v2/\`, asked every 2 ms; ${starts} starts on a new empty folder, and ${starts} on one that holds an image with ` +
    `${tags.many.toLocaleString('en')} tags. The page cache is warm.`,
  async run(bench) {
    const { subject, peer, sizes } = bench
    const many = { kind: 'tags', count: sizes.tags.many } as const
    const filled = new Map([
      [subject, await bench.filled(subject, many)],
      [peer, await bench.filled(peer, many)],
    ])
    return [
      await compare(bench, 'start on an empty folder', () => undefined),
      await compare(bench, `start with ${many.count.toLocaleString('en')} tags`, (registry) => filled.get(registry)),
    ]
  },
}

async function compare(
  { subject, peer, sizes, serving }: Bench,
  work: string,
  folder: (registry: Bench['subject']) => string | undefined,
): Promise<Comparison> {
  const [own, others] = await rounds(sizes.starts, [subject, peer], (registry) => {
    const dataDir = folder(registry)
    const options = { ...(dataDir && { dataDir }), readyPath: '/v2/' }
    return serving(registry, options, async ({ startSeconds }) => startSeconds)
  })
  return {
    work,
    unit: 's',
    better: 'lower',
    subject: own!,
    limit: 0.5,
    peers: [{ name: peer.name, values: others! }],
  }
}
