import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, Benchmark } from '../harness/bench.ts'
import type { Comparison } from '../harness/comparison.ts'
import { blobOf } from '../harness/content.ts'
import { startClient } from '../harness/process.ts'
import { pushBlob } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'
import { nginx } from '../programs/nginx.ts'

const connections = 16
const image = 'bench/app'

export const blobGet: Benchmark = {
  name: 'blob-get',
  title: 'Blob GET',
  method: ({ blobBytes, seconds }) =>
    `One blob of ${blobBytes / 1e6} MB, warm in the page cache, pulled over ${connections} kept connections for ${seconds} s a round by a client of ` +
    'our own that discards what it reads (raw sockets: it takes more than wrk does, which reads 8 KB at a time). nginx serves the same ' +
    'bytes as a static file (sendfile on, one worker a core). Over TLS each server negotiates what it prefers with its defaults; ' +
    'the key is ECDSA P-256. Client and servers share the cores, so ratios understate differences between servers.',
  async run(bench) {
    const blob = blobOf(randomBytes(bench.sizes.blobBytes))
    return [await compare(bench, blob, false), await compare(bench, blob, true)]
  },
}

async function compare(bench: Bench, blob: ReturnType<typeof blobOf>, tls: boolean): Promise<Comparison> {
  const { subject, peer, sizes } = bench
  const secure = tls ? { tls: bench.certificate() } : {}
  const sides: { url: string; path: string; stop(): Promise<void> }[] = []
  for (const program of [subject, peer]) {
    const plain = await bench.start(program)
    await pushBlob(plain.url, image, blob)
    await plain.stop()
    const server = await bench.start(program, { ...secure, dataDir: plain.settings.dataDir })
    sides.push({ url: server.url, path: `/v2/${image}/blobs/${blob.digest}`, stop: server.stop })
  }
  const files = bench.folder()
  writeFileSync(join(files, 'blob'), blob.bytes)
  const server = await bench.start(nginx, { ...secure, dataDir: files })
  sides.push({ url: server.url, path: '/blob', stop: server.stop })

  const values = await rounds(sizes.rounds, sides, ({ url, path }) => pull(url, path, bench))
  for (const side of sides) await side.stop()
  return {
    work: `${sizes.blobBytes / 1e6} MB blob GET${tls ? ' over TLS' : ''}, ${connections} connections`,
    unit: 'MB/s',
    better: 'higher',
    subject: values[0]!,
    peers: [
      { name: peer.name, values: values[1]!, ratio: 1.3 },
      { name: 'nginx, static file', values: values[2]!, ratio: 0.9 },
    ],
  }
}

async function pull(url: string, path: string, { sizes }: Bench): Promise<number> {
  const { hostname, port, protocol } = new URL(url)
  const task = { hostname, port: Number(port), path, tls: protocol === 'https:', connections }
  const { seconds, blobBytes } = sizes
  const client = startClient<{ bytes: number; seconds: number }>('pull-blobs', { ...task, seconds, blobBytes }, 60)
  const answer = await client.answer
  return answer.bytes / answer.seconds / 1e6
}
