/**
 * Lets a registry within this process measure and evict the cache of a proxy, while one client pulls from it. Argument: the task as JSON. Answers an `Answer`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { openDatabase } from '../../src/database/database.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import { fillCache, manifestDigest } from '../../test/helpers/full-cache.ts'

interface Task {
  images: number
  each: number
  evict: number
}

export interface Answer {
  measured: number
  evicted: number
  measureSeconds: number
  evictSeconds: number
  /** Milliseconds. */
  longestStall: number
  pulls: number
  /** Milliseconds. */
  pullAtWorst1Percent: number
}

const { images, each, evict } = JSON.parse(process.argv[2]!) as Task
const dataDir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'tend-cache-'))
const database = `sqlite:${join(dataDir, 'entrepot.db')}`
console.log('started')
try {
  console.log(JSON.stringify(await tend()))
} finally {
  rmSync(dataDir, { recursive: true, force: true })
}

async function tend(): Promise<Answer> {
  const layerBytes = 1_000_000
  const first = await openRegistry()
  const from = Date.now() - 100 * 86_400_000
  const db = await openDatabase(database)
  await fillCache(db, { repositoryId: 1, store: 'default', images, each, layerBytes, from })
  await db.close()
  await first.close()

  const measuring = await openRegistry()
  const measure = await watched(measuring)
  await measuring.close()
  const bytes = (images * 3 + (images * each - evict) * 5) * layerBytes
  // The turn of the one before lasts for some minutes.
  const evicting = await openRegistry({ cacheSize: bytes }, 600_000)
  const eviction = await watched(evicting)
  await evicting.close()
  return {
    measured: images * each,
    evicted: eviction.manifests,
    measureSeconds: measure.seconds,
    evictSeconds: eviction.seconds - measure.seconds,
    longestStall: Math.max(measure.longestStall, eviction.longestStall),
    pulls: measure.times.length + eviction.times.length,
    pullAtWorst1Percent: worst1Percent([...measure.times, ...eviction.times]),
  }
}

function openRegistry(upstream: object = {}, ahead = 0) {
  const settings = {
    version: 0.1,
    dataDir,
    database,
    auth: { none: {} },
    log: { accesslog: { disabled: true } },
    defaultRepository: 'far',
    repositories: [{ name: 'far', type: 'proxy', upstream: { url: 'http://127.0.0.1:9', ...upstream } }],
  }
  const { config } = loadConfig({ text: JSON.stringify(settings), file: 'bench.yml', env: {}, cwd: dataDir })
  const log = createLog({ level: 'error', formatter: 'json', stream: process.stderr })
  return openApp(config, log, () => Date.now() + ahead)
}

async function watched({ caches, handler }: Awaited<ReturnType<typeof openRegistry>>) {
  const times: number[] = []
  let longestStall = 0
  let isOver = false
  const ticks = async () => {
    for (let last = performance.now(); !isOver; last = performance.now()) {
      await sleep(1)
      longestStall = Math.max(longestStall, performance.now() - last - 1)
    }
  }
  const pulls = async () => {
    for (let index = 0; !isOver; index++) {
      await sleep(5)
      // The youngest of each image: they stay.
      const image = (index * 7919) % images
      const began = performance.now()
      const digest = manifestDigest(image * each + each - 1)
      const answer = await handler(fakeIncoming('GET', `/v2/app/${image}/manifests/${digest}`))
      await answer.bytes()
      if (answer.status !== 200) throw new Error(`a pull was answered with ${answer.status}`)
      times.push(performance.now() - began)
    }
  }
  const beside = Promise.all([ticks(), pulls()])
  const began = performance.now()
  const { manifests } = await caches.tend()
  const seconds = (performance.now() - began) / 1000
  isOver = true
  await beside
  return { manifests, seconds, longestStall, times }
}

function worst1Percent(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0
}
