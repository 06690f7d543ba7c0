import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSkopeo } from '../clients/skopeo.ts'
import { writeLayout } from '../helpers/images.ts'
import { noise } from '../helpers/noise.ts'
import { blobOf, descriptorOf, makeImage, manifestOf, mediaTypes, noiseBlob } from '../helpers/oci.ts'
import { temporaryFolder } from '../helpers/process.ts'
import { expectStatus, registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { startSlowPull } from '../helpers/slow-pull.ts'
import { tarStream } from '../helpers/tar.ts'
import { whyNoPackages } from '../services/packages.ts'

const MB = 1 << 20
const GB = 1 << 30
const minutes = 60_000

/** Free bytes where temporary folders are made. */
function freeSpace(): number {
  const { bavail, bsize } = statfsSync(tmpdir())
  return bavail * bsize
}

/** A test that needs room on the disk; skipped, and says so, where there is less. */
function roomyTest(name: string, bytes: number, body: () => Promise<void>, timeoutMs: number): void {
  const free = freeSpace()
  if (free > bytes) test(name, body, timeoutMs)
  else test.skip(`${name}: needs ${bytes / GB} GB of disk, ${(free / GB).toFixed(1)} GB are free`, body)
}

describe('large content', () => {
  let server: Server
  let folder: string
  beforeEach(async () => {
    server = await startServer()
    folder = temporaryFolder('large')
  })
  afterEach(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }, minutes)

  const reason = whyNoPackages()
  if (reason) test.skip(`a layer of 2 GB: ${reason}`, () => {})
  else
    roomyTest(
      'a client pushes a layer of 2 GB and pulls the same bytes',
      8 * GB,
      async () => {
        const skopeo = await openSkopeo()
        try {
          const { layout, digest } = await writeLargeLayout(join(folder, 'layout'), 2 * GB)
          await skopeo.tool.run('copy', '-q', ...plain, `oci:${layout}:large`, `docker://${server.host}/large:v1`)
          rmSync(layout, { recursive: true })
          expect(await registryClient(server).verifyBlob('large', digest)).toBeGreaterThan(2 * GB)
          // skopeo compares the digest of everything it pulls with the manifest.
          await skopeo.tool.run('copy', '-q', ...plain, `docker://${server.host}/large:v1`, `dir:${folder}/pulled`)
        } finally {
          await skopeo.close()
        }
      },
      8 * minutes,
    )

  test(
    '20 clients at once push images that share layers',
    async () => {
      const shared = [noiseBlob('shared 1', 8 * MB), noiseBlob('shared 2', 2 * MB)]
      const images = Array.from({ length: 20 }, (_, n) => makeImage(n, { layers: [...shared, noiseBlob(n, 100_000)] }))
      const clients = images.map(() => registryClient(server))
      await Promise.all(images.map((image, n) => clients[n]!.pushImage(`crowd/app${n % 5}`, image, `v${n}`)))
      for (const [n, image] of images.entries()) await clients[n]!.verifyImage(`crowd/app${n % 5}`, image, `v${n}`)
    },
    4 * minutes,
  )

  roomyTest(
    'memory stays flat during an upload of 4 GB and 500 slow pulls',
    10 * GB,
    async () => {
      const client = registryClient(server)
      const blob = noise('slow', 16 * MB)
      await expectStatus(await client.pushBlob('memory/pulled', { digest: blob.digest, stream: blob.stream() }), 201)
      const memory = watchMemory(server.pid)
      const path = `/v2/memory/pulled/blobs/${blob.digest}`
      const pulls = await Promise.all(Array.from({ length: 500 }, () => startSlowPull(server.port, path, 32_000)))
      try {
        const upload = noise('upload', 4 * GB)
        const { digest } = upload
        await expectStatus(await client.pushBlob('memory/pushed', { digest, stream: upload.stream() }), 201)
        expect(pulls.filter((pull) => pull.ended())).toEqual([])
        const finished = await Promise.all(pulls.slice(0, 20).map((pull) => pull.finish()))
        expect(new Set(finished)).toEqual(new Set([blob.digest]))
      } finally {
        for (const pull of pulls) pull.close()
        memory.stop()
      }
      expect(memory.peak()).toBeLessThan(250 * MB)
    },
    8 * minutes,
  )
})

const plain = ['--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false']

/** An OCI layout with one image of one layer: a tar of one file of noise. Returns the layer's digest. */
async function writeLargeLayout(layout: string, size: number): Promise<{ layout: string; digest: string }> {
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true })
  const staged = join(layout, 'staged')
  const file = openSync(staged, 'w')
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of tarStream([{ name: 'noise', content: { noise: size } }])) {
    hash.update(chunk)
    for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at)
    bytes += chunk.length
  }
  closeSync(file)
  const digest = `sha256:${hash.digest('hex')}`
  renameSync(staged, join(layout, 'blobs', digest.replace(':', '/')))
  const config = blobOf(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] } }),
  )
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptorOf(config, mediaTypes.config),
    layers: [{ mediaType: mediaTypes.layer, digest, size: bytes }],
  })
  writeLayout(layout, { large: manifest }, [config])
  return { layout, digest }
}

/** Samples the resident memory of a process four times a second. Bytes. */
function watchMemory(pid: number): { peak(): number; stop(): void } {
  let peak = 0
  const sample = () => {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    peak = Math.max(peak, Number(kilobytes ?? 0) * 1024)
  }
  sample()
  const timer = setInterval(sample, 250)
  return { peak: () => peak, stop: () => clearInterval(timer) }
}
