import type { Benchmark, Server } from '../harness/bench.ts'
import { referencesPerManifest } from '../harness/content.ts'
import { run, startClient } from '../harness/process.ts'
import type { Registry } from '../harness/program.ts'
import { rounds } from '../harness/rounds.ts'

export const garbageCollection: Benchmark = {
  name: 'gc',
  title: 'Garbage collection',
  method: ({ references }) =>
    `${(references / referencesPerManifest).toLocaleString('en')} manifests with ${referencesPerManifest} references each: ${references.toLocaleString('en')} references. ` +
    '`entrepot gc --dry-run --json` scans them all while the server serves and small images are pushed, 2 at once; ' +
    'docker-registry runs `garbage-collect --dry-run` under the same pushes (for a real run it must be read-only). The rate counts the ' +
    'whole command, from its start to its end.',
  async run(bench) {
    const { subject, peer, sizes } = bench
    const sides: { registry: Registry; server: Server }[] = []
    for (const registry of [subject, peer]) {
      const dataDir = await bench.filled(registry, { kind: 'references', count: sizes.references })
      sides.push({ registry, server: await bench.start(registry, { dataDir }) })
    }
    let pushed = 0
    const [own, others] = await rounds(Math.min(sizes.rounds, 3), sides, async ({ registry, server }, round) => {
      const { argv, env } = registry.garbageCollection(server.settings)
      const task = { url: server.url, images: 2000, atOnce: 2, layerBytes: 16_384, seed: `gc${round}` }
      const pushes = startClient<{ images: number }>('push-images', task, 600)
      await pushes.started
      const began = performance.now()
      const text = await run(argv, { env, seconds: 600 })
      const seconds = (performance.now() - began) / 1000
      pushes.finish()
      const { images } = await pushes.answer
      if (registry === subject) pushed = images
      expectScanned(text, sizes.references)
      return sizes.references / seconds
    })
    return [
      {
        work: `garbage collection of ${sizes.references.toLocaleString('en')} references while pushes go on`,
        unit: 'references/s',
        better: 'higher',
        subject: own!,
        limit: 50_000,
        peers: [{ name: peer.name, values: others! }],
        note: `Images pushed to ${subject.name} during its last scan: ${pushed}.`,
      },
    ]
  },
}

/** A scan that saw fewer references than were put there measured something else. docker-registry does not count, so it is not asked. */
function expectScanned(text: string, least: number): void {
  const line = text.trimEnd().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) return
  const { references } = JSON.parse(line) as { references?: number }
  if (references === undefined || references < least) {
    throw new Error(`gc --dry-run --json must say at least {"references": ${least}}, but said ${line}`)
  }
}
