import { afterAll, expect, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeImage } from '../helpers/oci.ts'
import { attempt } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { startServer } from '../helpers/server.ts'

const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
const folder = mkdtempSync(join(tmpdir(), 'entrepot-backup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('everything that was acknowledged before a backup can be pulled after it was restored, pushes going on meanwhile', async () => {
  const server = await startServer()
  const client = registryClient(server)
  const before = Array.from({ length: 20 }, (_, n) => makeImage(`before ${n}`))
  for (const [n, image] of before.entries()) await client.pushImage(`app${n}`, image, 'v1')

  let isOver = false
  const pushing = (async () => {
    for (let n = 0; !isOver; n++) await client.pushImage(`later${n % 5}`, makeImage(`later ${n}`), `v${n}`)
  })()
  const file = join(folder, 'metadata.gz')
  const run = (command: string[], dataDir: string) =>
    attempt([entrepot, ...command], {
      env: { ...cleanEnvironment(), ENTREPOT_DATADIR: dataDir, REGISTRY_AUTH: 'none' },
    })
  expect(await run(['backup', file], server.dataDir)).toMatchObject({ code: 0 })
  const restored = join(folder, 'restored')
  mkdirSync(restored)
  cpSync(join(server.dataDir, 'blobs'), join(restored, 'blobs'), { recursive: true })
  isOver = true
  await pushing
  await server.stop()

  expect(await run(['restore', file], restored)).toMatchObject({ code: 0 })
  const second = await startServer({ dataDir: restored })
  const there = registryClient(second)
  for (const [n, image] of before.entries()) await there.verifyImage(`app${n}`, image, 'v1')
  // Of the later ones the backup has some or none, but each of those whole.
  const { repositories } = (await (await there.request('GET', '/v2/_catalog?n=1000')).json()) as {
    repositories: string[]
  }
  for (const name of repositories.filter((one) => one.startsWith('later'))) {
    for (const tag of await there.tags(name)) await there.verifyImage(name, makeImage(`later ${tag.slice(1)}`), tag)
  }
  await second.stop()
}, 60_000)
