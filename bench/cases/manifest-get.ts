import type { Bench, Benchmark, Server } from '../harness/bench.ts'
import type { Comparison } from '../harness/comparison.ts'
import { acceptManifests, blobOf, configOf, manifestOf } from '../harness/content.ts'
import type { Program } from '../harness/program.ts'
import { pushBlob, putManifest } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'
import { requestRate } from '../harness/wrk.ts'

const connections = 32

/** A server that pays a costly hash on each of 32 requests at once answers none of them in a short round. */
const secondsBehindPassword = 5
const image = 'bench/app'
const config = configOf('manifest-get')
const layer = blobOf('a small layer')
const manifest = manifestOf(config, [layer])

export const manifestGet: Benchmark = {
  name: 'manifest-get',
  title: 'Manifest GET',
  method: ({ seconds }) =>
    `wrk with one thread and ${connections} connections for ${seconds} s a round (at least ${secondsBehindPassword} s behind a password), by tag and by digest; open, and by tag with ` +
    'htpasswd (bcrypt cost 5, which is what `htpasswd -B` writes by default, and cost 10), the same right password on every request.',
  async run(bench) {
    const results: Comparison[] = []
    const open = await startBoth(bench)
    results.push(await compare(bench, open, 'by tag', 'latest', 30))
    results.push(await compare(bench, open, 'by digest', manifest.digest, 30))
    await stopBoth(open)
    for (const [cost, budget] of [
      [5, 100],
      [10, undefined],
    ] as const) {
      const { file, header } = bench.htpasswd(cost)
      const sides = await startBoth(bench, open, file)
      results.push(await compare(bench, sides, `by tag, htpasswd cost ${cost}`, 'latest', budget, header))
      await stopBoth(sides)
    }
    return results
  },
}

interface Side {
  program: Program
  server: Server
}

/** Both registries with the image in them; on the data of `before`, behind a password, when given. */
async function startBoth(bench: Bench, before: readonly Side[] = [], htpasswd?: string): Promise<Side[]> {
  const sides: Side[] = []
  for (const [index, program] of [bench.subject, bench.peer].entries()) {
    const dataDir = before[index]?.server.settings.dataDir
    const server = await bench.start(program, { ...(dataDir && { dataDir }), ...(htpasswd && { htpasswd }) })
    sides.push({ program, server })
    if (dataDir) continue
    for (const blob of [config, layer]) await pushBlob(server.url, image, blob)
    await putManifest(server.url, image, manifest, { reference: 'latest' })
  }
  return sides
}

async function stopBoth(sides: readonly Side[]): Promise<void> {
  for (const { server } of sides) await server.stop()
}

async function compare(
  { sizes, peer }: Bench,
  sides: readonly Side[],
  how: string,
  reference: string,
  ratio: number | undefined,
  authorization?: string,
): Promise<Comparison> {
  const seconds = authorization ? Math.max(sizes.seconds, secondsBehindPassword) : sizes.seconds
  const headers = { accept: acceptManifests, ...(authorization && { authorization }) }
  const [subject, other] = await rounds(sizes.rounds, sides, ({ server }) =>
    requestRate(`${server.url}/v2/${image}/manifests/${reference}`, { connections, seconds, headers }),
  )
  return {
    work: `manifest GET ${how}, ${connections} connections`,
    unit: 'requests/s',
    better: 'higher',
    subject: subject!,
    peers: [{ name: peer.name, values: other!, ...(ratio !== undefined && { ratio }) }],
  }
}
