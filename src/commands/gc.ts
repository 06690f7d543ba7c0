import { openDrivers } from '../app.ts'
import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { createBlobStores } from '../content/blob-store.ts'
import { type Collector, createCollector } from '../content/collector.ts'
import { openDatabase } from '../database/database.ts'
import { loadOrExplain } from './configured.ts'
import { formatBytes } from './format.ts'
import type { CommandIo } from './io.ts'

export interface GcOptions {
  config?: string | undefined
  dryRun?: boolean | undefined
  json?: boolean | undefined
}

/** How many of the largest blobs a dry run names; `--json` names all. */
const named = 20

/** `entrepot gc [--dry-run] [--json]`: works off what is due now, beside a running server. Returns the exit code. */
export async function gc(options: GcOptions, io: CommandIo): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    const collector = await open(config, closers.add)
    if (options.dryRun) await report(collector, options, io)
    else await collect(collector, options, io)
    return 0
  } finally {
    await closers.closeAll()
  }
}

async function open(config: Config, add: ReturnType<typeof createClosers>['add']): Promise<Collector> {
  const db = add(await openDatabase(config.database))
  const drivers = await openDrivers(config, add)
  const stores = createBlobStores(drivers)
  return createCollector({ db, stores, now: Date.now, graceMs: config.storage.gc.grace })
}

async function report(collector: Collector, { json }: GcOptions, { out }: CommandIo): Promise<void> {
  const { blobs, references } = await collector.reclaimable()
  const bytes = blobs.reduce((sum, { size }) => sum + size, 0)
  if (json) {
    out.write(`${JSON.stringify({ references, blobs: blobs.length, bytes, reclaimable: blobs })}\n`)
    return
  }
  out.write(
    `${references} references checked\n${blobs.length} blobs that no manifest needs, ${formatBytes(bytes)} to reclaim\n`,
  )
  for (const { digest, size, leaseUntil, store } of blobs.slice(0, named)) {
    const wait = leaseUntil > Date.now() ? `, kept until ${new Date(leaseUntil).toISOString()}` : ''
    out.write(`  ${formatBytes(size).padStart(10)}  ${digest}  in ${store}${wait}\n`)
  }
  if (blobs.length > named) out.write(`  ... and ${blobs.length - named} smaller ones (--json names them all)\n`)
}

async function collect(collector: Collector, { json }: GcOptions, { out }: CommandIo): Promise<void> {
  const startedAt = performance.now()
  const done = await collector.run()
  const seconds = (performance.now() - startedAt) / 1000
  if (json) out.write(`${JSON.stringify({ ...done, seconds })}\n`)
  else {
    out.write(`removed ${done.blobs} blobs, ${formatBytes(done.bytes)}, in ${seconds.toFixed(1)} s`)
    out.write(` (${done.reviewed} candidates looked at; what is still within its grace time stays)\n`)
  }
}
