import { openDrivers } from '../app.ts'
import { createClosers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { createBlobStores } from '../content/blob-store.ts'
import { type Collector, createCollector } from '../content/collector.ts'
import type { ContentParts } from '../content/content.ts'
import { findOrphans } from '../content/orphans.ts'
import { openDatabase } from '../database/database.ts'
import { hasUnfinishedAdoption } from '../formats/docker/adoption/first-start.ts'
import { loadOrExplain } from './configured.ts'
import { formatBytes } from './format.ts'
import type { CommandIo } from './io.ts'

export interface GcOptions {
  config?: string | undefined
  dryRun?: boolean | undefined
  json?: boolean | undefined
  /** Look at the files of the blob stores that the database knows nothing of, instead. */
  orphans?: boolean | undefined
}

/** How many of the largest blobs a dry run names; `--json` names all. */
const named = 20

/**
 * `entrepot gc [--orphans] [--dry-run] [--json]`: works off what is due now, beside a running server; with `--orphans` makes files that the
 * database knows nothing of candidates for that, due after the grace time. Returns the exit code: 1 when a store may not be looked at yet.
 */
export async function gc(options: GcOptions, io: CommandIo): Promise<number> {
  const config = loadOrExplain(options, io)
  if (!config) return 2
  const closers = createClosers()
  try {
    const parts = await open(config, closers.add)
    if (options.orphans) return await orphans(parts, Object.keys(config.blobStores), options, io)
    const collector = createCollector(parts)
    if (options.dryRun) await report(collector, options, io)
    else await collect(collector, options, io)
    return 0
  } finally {
    await closers.closeAll()
  }
}

async function open(config: Config, add: ReturnType<typeof createClosers>['add']): Promise<ContentParts> {
  const db = add(await openDatabase(config.database))
  const drivers = await openDrivers(config, add)
  const stores = createBlobStores(drivers)
  return { db, stores, now: Date.now, graceMs: config.storage.gc.grace }
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

async function orphans(parts: ContentParts, stores: string[], { dryRun = false, json }: GcOptions, io: CommandIo) {
  for (const store of stores) {
    // Before an adoption nothing there is known, and all of it would seem to be of no use.
    if (await hasUnfinishedAdoption(parts, store)) {
      io.err.write(`blob store ${store} holds images of registry:2 that were not taken over: start the server, or `)
      io.err.write('use `entrepot import registry`, before anything is removed there\n')
      return 1
    }
  }
  for (const store of stores) {
    const found = await findOrphans(parts, store, { collect: !dryRun })
    if (json) io.out.write(`${JSON.stringify({ store, ...found })}\n`)
    else {
      io.out.write(`${store}: ${found.blobs} files that nothing refers to, ${formatBytes(found.bytes)}`)
      io.out.write(dryRun || found.blobs === 0 ? '\n' : `; they go ${parts.graceMs / 60_000} minutes from now\n`)
    }
  }
  return 0
}
