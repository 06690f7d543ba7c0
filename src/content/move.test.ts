import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour, once } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { openTestRepositories } from '../../test/helpers/repositories.ts'
import type { Database } from '../database/database.ts'
import { listRepositories } from '../database/repositories.ts'
import { createInMemoryContents, createInMemoryDriver } from '../storage/inmemory.ts'
import { blobKey, createBlobStores } from './blob-store.ts'
import { createBlobs } from './blobs.ts'
import { createCollector } from './collector.ts'
import { type Digest, digestOf } from './digest.ts'
import { moveContent } from './move.ts'
import { createUploads } from './uploads.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

describeOnEachDatabase('moving a repository to another blob store', (open) => {
  let opened: TestDatabase
  let time: number
  let parts: ReturnType<typeof partsOf>
  let home: { id: number; name: string }
  let other: { id: number; name: string }
  const folders = () => ({ old: createInMemoryContents(), fresh: createInMemoryContents() })
  let places: ReturnType<typeof folders>

  beforeEach(async () => {
    opened = await open()
    time = Date.parse('2030-01-01T00:00:00Z')
    places = folders()
    parts = partsOf(opened.db)
    const live = await openTestRepositories(opened.db, [{ name: 'private' }, { name: 'other' }], 'private', () => time)
    home = live.named('private')!
    other = live.named('other')!
  })
  afterEach(() => opened.close())

  /** One instance: both stores, and what works on them. */
  function partsOf(db: Database) {
    const old = { name: 'default', driver: createInMemoryDriver(places.old) }
    const fresh = { name: 'fast', driver: createInMemoryDriver(places.fresh) }
    const content = { db, stores: createBlobStores([old, fresh]), now: () => time, graceMs: hour }
    return {
      ...content,
      old: old.driver,
      fresh: fresh.driver,
      blobs: createBlobs(content),
      uploads: createUploads(content, { patienceMs: 1000 }),
      collector: createCollector(content, { steady: () => time }),
    }
  }

  const placeOf = (image: string, repository = home, store = 'default') => ({
    repositoryId: repository.id,
    image,
    store,
  })

  async function push(image: string, text: string, repository = home, store = 'default'): Promise<Digest> {
    const digest = digestOf(bytesOf(text))
    const upload = await parts.uploads.start(placeOf(image, repository, store))
    await parts.uploads.finish(upload, digest, { bytes: once(text) })
    return digest
  }

  async function pull(image: string, digest: Digest, repository = home): Promise<string | undefined> {
    const blob = await parts.blobs.find(placeOf(image, repository), digest)
    if (!blob) return undefined
    const chunks: Uint8Array[] = []
    for await (const chunk of await blob.read()) chunks.push(new Uint8Array(chunk))
    return Buffer.concat(chunks).toString()
  }

  const move = (options = {}) => moveContent(parts, { repositoryId: home.id, from: 'default', to: 'fast' }, options)
  const storeOf = async (id: number) => (await listRepositories(opened.db)).find((row) => row.id === id)?.blob_store
  const has = async (driver: typeof parts.old, digest: Digest) => (await driver.stat(blobKey(digest))) !== undefined

  test('copies everything, switches, and leaves the old store to the collector, except what others need', async () => {
    const digests = await Promise.all(['a', 'b', 'c'].map((text) => push('app', text)))
    await push('theirs', 'c', other)
    const progress = await move()
    expect(progress).toMatchObject({ blobs: 3, blobsInAll: 3, bytes: 3 })
    expect(await storeOf(home.id)).toBe('fast')
    // Also by whoever still believes that the content is in the old store.
    expect(await Promise.all(digests.map((digest) => pull('app', digest)))).toEqual(['a', 'b', 'c'])
    // Nothing names these blobs: without a manifest links go after their time. So they are renewed first, as by a push.
    time += 2 * hour
    for (const digest of digests)
      await opened.db.queries
        .updateTable('blob_links')
        .set({ lease_until: time + hour })
        .where('digest', '=', digest)
        .execute()
    await parts.collector.run()
    expect(await Promise.all(digests.map((digest) => has(parts.old, digest)))).toEqual([false, false, true])
    expect(await Promise.all(digests.map((digest) => has(parts.fresh, digest)))).toEqual([true, true, true])
    expect(await pull('theirs', digests[2]!, other)).toBe('c')
  })

  test('goes on where it was broken off', async () => {
    for (let n = 0; n < 10; n++) await push('app', `blob ${n}`)
    const stop = new AbortController()
    const first = move({
      signal: stop.signal,
      onProgress: ({ blobs }: { blobs: number }) => blobs === 4 && stop.abort(new Error('stopped')),
    })
    await expect(first).rejects.toThrow('stopped')
    expect(await storeOf(home.id)).toBe('default')
    const second = await move()
    expect(second.blobs).toBe(6)
    expect(await storeOf(home.id)).toBe('fast')
  })

  test('copies that nobody came back for go with the collector', async () => {
    const digest = await push('app', 'a')
    const stop = new AbortController()
    const broken = move({
      signal: stop.signal,
      onProgress: ({ blobs }: { blobs: number }) => blobs === 1 && stop.abort(new Error('stopped')),
    })
    await expect(broken).rejects.toThrow('stopped')
    expect(await has(parts.fresh, digest)).toBe(true)
    time += 30 * hour
    await parts.collector.run()
    expect(await has(parts.fresh, digest)).toBe(false)
  })

  test('a push that began before the switch and ends after it is in the new store', async () => {
    await push('app', 'a')
    const upload = await parts.uploads.start(placeOf('app'))
    await parts.uploads.append(upload, { bytes: once('late') })
    await move()
    const digest = digestOf(bytesOf('late'))
    const again = (await parts.uploads.find(placeOf('app'), upload.id))!
    await parts.uploads.finish(again, digest, {})
    expect(await has(parts.fresh, digest)).toBe(true)
    expect(await pull('app', digest)).toBe('late')
    expect(await parts.old.stagedSize(upload.id)).toBeUndefined()
    time += 2 * hour
    await opened.db.queries
      .updateTable('blob_links')
      .set({ lease_until: time + hour })
      .execute()
    await parts.collector.run()
    expect([await has(parts.old, digest), await has(parts.fresh, digest)]).toEqual([false, true])
  })

  test('what is pushed while everything is copied is moved, too', async () => {
    for (let n = 0; n < 5; n++) await push('app', `before ${n}`)
    const pushed: Promise<Digest>[] = []
    await move({
      onProgress: ({ blobs }: { blobs: number }) => {
        if (blobs > 0 && pushed.length < 20) pushed.push(push('app', `meanwhile ${pushed.length}`))
      },
    })
    for (const [n, digest] of (await Promise.all(pushed)).entries()) {
      expect(await pull('app', digest)).toBe(`meanwhile ${n}`)
      expect(await has(parts.fresh, digest)).toBe(true)
    }
    expect(pushed.length).toBeGreaterThan(4)
  })

  test('a damaged blob keeps everything where it is, and is named', async () => {
    await push('app', 'a')
    const digest = await push('app', 'good')
    await parts.old.write(blobKey(digest), once('evil'))
    await expect(move()).rejects.toThrow(`the bytes of ${digest} in`)
    expect(await storeOf(home.id)).toBe('default')
    expect(await has(parts.fresh, digest)).toBe(false)
    await parts.old.write(blobKey(digest), once('good'))
    await move()
    expect(await pull('app', digest)).toBe('good')
  })

  test('a mount from a repository in another store is no mount: the client uploads', async () => {
    const digest = await push('app', 'a')
    await move()
    expect(await parts.blobs.mount(placeOf('app', home, 'fast'), placeOf('theirs', other), digest)).toBe(false)
    expect(await parts.blobs.mount(placeOf('app', home), placeOf('more', home), digest)).toBe(false)
    expect(await parts.blobs.mount(placeOf('app', home, 'fast'), placeOf('more', home, 'fast'), digest)).toBe(true)
    expect(await pull('more', digest)).toBe('a')
  })
})
