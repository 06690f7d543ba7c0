import { createHash, randomBytes } from 'node:crypto'
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, Benchmark } from '../harness/bench.ts'
import { syncFileSystem } from '../harness/bench.ts'
import { type Comparison, spread } from '../harness/comparison.ts'
import { run } from '../harness/process.ts'
import type { Program, Registry } from '../harness/program.ts'
import { finish, locationOf, octets, request, startUpload } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'

type Way = 'one PUT, as containerd' | 'streamed PATCH, as docker'

export const layerPush: Benchmark = {
  name: 'layer-push',
  title: 'Push of a large layer',
  method: ({ layerBytes }) =>
    `A layer of ${layerBytes / 1e6} MB, other bytes in each round and the same for both sides, sent by curl from a file in the page cache into ` +
    'an empty data folder: POST and one PUT of everything (as containerd pushes), or POST, one chunked PATCH and a closing PUT (as docker does). ' +
    'Time runs from the POST to the last answer. "Answered" is that; "ending durable" adds `sync -f` on the data folder for a side whose answer ' +
    'does not yet mean durable. The file system is synced before each push. A sink that reads and forgets shows what the client alone can do.',
  async run(bench) {
    const results: Comparison[] = []
    for (const way of ['one PUT, as containerd', 'streamed PATCH, as docker'] as const) {
      results.push(...(await compare(bench, way)))
    }
    return results
  },
}

interface Sample {
  answered: number
  durable: number
}

const sink: Program = {
  name: 'sink',
  readyPath: '/',
  version: async () => 'none',
  command: ({ port }) => ({
    argv: [process.execPath, '--no-install', join(import.meta.dir, '../clients/sink.ts'), String(port)],
    env: {},
  }),
}

async function compare(bench: Bench, way: Way): Promise<Comparison[]> {
  const { subject, peer, sizes } = bench
  const body = join(bench.folder(), 'layer')
  await run(['sh', '-c', 'head -c "$0" /dev/urandom > "$1"', String(sizes.layerBytes), body])
  let digest = ''
  const values = await rounds(sizes.rounds, [subject, peer, sink], async (program, round): Promise<Sample> => {
    if (program === subject) digest = await renew(body, round)
    return bench.serving(program, {}, (server) => push(server.url, server.settings.dataDir, program, way, body, digest))
  })
  const [own, others, ceiling] = values as [Sample[], Sample[], Sample[]]
  const megabytes = sizes.layerBytes / 1e6
  const rate = (samples: Sample[], ending: keyof Sample) => samples.map((sample) => megabytes / sample[ending])
  const work = `push of a ${megabytes} MB layer, ${way}`
  const shared = { unit: 'MB/s', better: 'higher' } as const
  return [
    {
      ...shared,
      work: `${work}: ending durable`,
      subject: rate(own, 'durable'),
      peers: [
        {
          name: `${peer.name}${peer.durableOnceAnswered ? '' : ' + sync'}`,
          values: rate(others, 'durable'),
          ratio: 1.7,
        },
      ],
    },
    {
      ...shared,
      work: `${work}: answered`,
      subject: rate(own, 'answered'),
      peers: [{ name: peer.name, values: rate(others, 'answered') }],
      note: `The client alone, into a sink that forgets: ${spread(rate(ceiling, 'answered'), 'MB/s')}.`,
    },
  ]
}

/** Makes the file's bytes new and answers their digest. Reading it all also brings it back into the page cache. */
async function renew(file: string, round: number): Promise<string> {
  const fd = openSync(file, 'r+')
  writeSync(fd, Buffer.concat([randomBytes(60), Buffer.from(String(round).padStart(4))]), 0, 64, 0)
  closeSync(fd)
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

async function push(
  url: string,
  dataDir: string,
  program: Program | Registry,
  way: Way,
  body: string,
  digest: string,
): Promise<Sample> {
  await syncFileSystem(dataDir)
  const began = performance.now()
  const upload = await startUpload(url, 'bench/large')
  if (way === 'one PUT, as containerd') {
    const address = new URL(upload)
    address.searchParams.set('digest', digest)
    await curl('PUT', address.href, body, 201, [])
  } else {
    const patched = await curl('PATCH', upload, body, 202, ['-H', 'Transfer-Encoding: chunked'])
    await finish(await request('PUT', locationOf(patched, url, { digest }), [201], { headers: octets }))
  }
  const answered = (performance.now() - began) / 1000
  if ('durableOnceAnswered' in program && !program.durableOnceAnswered) await syncFileSystem(dataDir)
  return { answered, durable: (performance.now() - began) / 1000 }
}

/** Sends a file as the body and answers with the headers. `Expect` is off because Go clients send none and its absence saves a round trip. */
async function curl(method: string, url: string, body: string, expected: number, options: string[]): Promise<Response> {
  const quiet = ['-sS', '--max-time', '120', '-o', '/dev/null', '-D', '-', '-H', 'Expect:']
  const type = ['-H', 'Content-Type: application/octet-stream']
  const head = await run(['curl', ...quiet, ...type, ...options, '-X', method, '-T', body, url])
  const [statusLine = '', ...lines] = head.split('\r\n').filter(Boolean)
  if (!statusLine.startsWith(`HTTP/1.1 ${expected}`)) throw new Error(`${method} ${url} answered ${statusLine}`)
  const headers = lines.map((line): [string, string] => [
    line.split(':', 1)[0]!,
    line.slice(line.indexOf(':') + 1).trim(),
  ])
  return new Response(null, { headers: new Headers(headers) })
}
