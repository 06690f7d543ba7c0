import { randomBytes } from 'node:crypto'
import type { Benchmark } from '../harness/bench.ts'
import { acceptManifests, blobOf, configOf, manifestOf } from '../harness/content.ts'
import { startClient } from '../harness/process.ts'
import { pushBlob, putManifest, request } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'
import { requestRate } from '../harness/wrk.ts'
import { dockerRegistry } from '../programs/docker-registry.ts'

const connections = 32
const blobConnections = 16
const proxies = 4
const image = 'bench/app'
const config = configOf('group-pull')

export const groupPull: Benchmark = {
  name: 'group-pull',
  title: 'Hot pull through a group',
  method: ({ seconds, blobBytes }) =>
    `A group of a hosted repository and ${proxies} proxies, the last of which has the image in its cache (the upstream of the others has it not), against the same image in a hosted ` +
    `repository of the same process. Manifest by tag: wrk with one thread and ${connections} connections for ${seconds} s a round. Blob of ${blobBytes / 1e6} MB: ` +
    `${blobConnections} kept connections for ${seconds} s a round, client as in "Blob GET".`,
  async run(bench) {
    const { subject, sizes } = bench
    if (!subject.group) return []
    const layer = blobOf(randomBytes(sizes.blobBytes))
    const manifest = manifestOf(config, [layer])
    const push = async (url: string, name: string) => {
      for (const blob of [config, layer]) await pushBlob(url, name, blob)
      await putManifest(url, name, manifest, { reference: 'latest' })
    }
    const empty = await bench.start(dockerRegistry)
    const far = await bench.start(dockerRegistry)
    await push(far.url, image)
    const upstreams = Array.from({ length: proxies }, (_, index) => (index === proxies - 1 ? far.url : empty.url))
    const { repository, group, variables } = subject.group(upstreams)
    const server = await bench.start(subject, { variables })
    await push(server.url, `${repository}/hosted`)
    const sides = [`${group}/${image}`, `${repository}/hosted`]
    for (const side of sides) {
      const headers = { accept: acceptManifests }
      await (await request('GET', `${server.url}/v2/${side}/manifests/latest`, [200], { headers })).arrayBuffer()
      await (await request('GET', `${server.url}/v2/${side}/blobs/${layer.digest}`, [200])).arrayBuffer()
    }
    const count = Math.min(3, sizes.rounds)
    const headers = { accept: acceptManifests }
    const manifests = await rounds(count, sides, (side) =>
      requestRate(`${server.url}/v2/${side}/manifests/latest`, { connections, seconds: sizes.seconds, headers }),
    )
    const { hostname, port } = new URL(server.url)
    const target = { hostname, port: Number(port), tls: false, connections: blobConnections }
    const load = { ...target, seconds: sizes.seconds, blobBytes: sizes.blobBytes }
    const blobs = await rounds(count, sides, async (side) => {
      const task = { ...load, path: `/v2/${side}/blobs/${layer.digest}` }
      const { bytes, seconds } = await startClient<{ bytes: number; seconds: number }>('pull-blobs', task, 60).answer
      return bytes / 1e6 / seconds
    })
    const peer = (values: number[][]) => ({
      subject: values[0]!,
      peers: [{ name: `${subject.name}, hosted`, values: values[1]! }],
    })
    const work = `through a group of ${proxies + 1}`
    return [
      { work: `hot manifest GET ${work}`, unit: 'requests/s', better: 'higher', ...peer(manifests) },
      { work: `hot ${sizes.blobBytes / 1e6} MB blob GET ${work}`, unit: 'MB/s', better: 'higher', ...peer(blobs) },
    ]
  },
}
