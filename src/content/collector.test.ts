import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour, type Instance, type Lab, minute, openLab } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { AppError } from '../errors.ts'
import { blobKey, createBlobStores } from './blob-store.ts'
import { createCollector } from './collector.ts'
import { digestOf } from './digest.ts'

describeOnEachDatabase('garbage collector', (open) => {
  let opened: TestDatabase
  let lab: Lab
  let instance: Instance
  beforeEach(async () => {
    opened = await open()
    lab = await openLab(opened, { graceMs: hour })
    instance = await lab.instance()
  })
  afterEach(async () => {
    await lab.check()
    await opened.close()
  })

  test('what was pushed and never referenced goes after its grace time, and not before', async () => {
    const digest = await instance.push('app', 'forgotten')
    lab.advance(hour)
    expect(await instance.collector.run()).toMatchObject({ blobs: 0 })
    expect(await instance.pull('app', digest)).toBe('forgotten')
    lab.advance(1)
    expect(await instance.collector.run()).toMatchObject({ links: 1, blobs: 1, bytes: 9 })
    expect(await lab.remains()).toEqual({})
  })

  test('what a manifest references stays, however long nobody asks for it', async () => {
    const digest = await instance.push('app', 'needed')
    await instance.tag('app', [digest], 'v1')
    lab.advance(1000 * hour)
    await instance.collector.run()
    expect(await instance.pull('app', digest)).toBe('needed')
    expect(await lab.remains()).toMatchObject({ blobs: 1, objects: 1 })
    expect((await lab.remains())['gc_queue']).toBeUndefined()
  })

  test('what a deleted manifest referenced goes a grace time later, with its image and history', async () => {
    const layer = await instance.push('app', 'layer')
    const manifest = await instance.tag('app', [layer], 'v1', 'v2')
    lab.advance(1000 * hour)
    await instance.collector.run()
    expect(await instance.images.deleteManifest('app', manifest)).toBe(true)
    expect(await instance.manifest('app', { tag: 'v1' })).toBeUndefined()
    lab.advance(hour - minute)
    await instance.collector.run()
    expect(await instance.pull('app', layer)).toBe('layer')
    lab.advance(2 * minute)
    await instance.collector.run()
    expect(await lab.remains()).toEqual({})
  })

  test('a blob shared by two manifests stays until both are gone', async () => {
    const [shared, own] = [await instance.push('app', 'shared'), await instance.push('app', 'own')]
    const both = await instance.tag('app', [shared, own], 'v1')
    const one = await instance.tag('app', [shared], 'v2')
    await instance.images.deleteManifest('app', both)
    lab.advance(24 * hour)
    await instance.collector.run()
    expect(await instance.pull('app', shared)).toBe('shared')
    expect(await instance.pull('app', own)).toBeUndefined()
    await instance.images.deleteManifest('app', one)
    lab.advance(24 * hour)
    await instance.collector.run()
    expect(await lab.remains()).toEqual({})
  })

  test('a manifest pushed again within the grace time keeps everything', async () => {
    const layer = await instance.push('app', 'layer')
    const manifest = await instance.tag('app', [layer], 'v1')
    await instance.images.deleteManifest('app', manifest)
    lab.advance(hour / 2)
    await instance.tag('app', [layer], 'v1')
    lab.advance(24 * hour)
    await instance.collector.run()
    expect(await instance.pull('app', layer)).toBe('layer')
  })

  test('retagging keeps the manifest that lost its tag, since a digest may still be used', async () => {
    const [old, young] = [await instance.push('app', 'old'), await instance.push('app', 'young')]
    const before = await instance.tag('app', [old], 'latest')
    await instance.tag('app', [young], 'latest')
    lab.advance(24 * hour)
    await instance.collector.run()
    expect(await instance.manifest('app', { digest: before })).toBeDefined()
    expect(await instance.pull('app', old)).toBe('old')
  })

  test('content that went can come again', async () => {
    const digest = await instance.push('app', 'again')
    lab.advance(2 * hour)
    await instance.collector.run()
    expect(await instance.pull('app', digest)).toBeUndefined()
    await instance.push('app', 'again')
    expect(await instance.pull('app', digest)).toBe('again')
  })

  test('a removal that a crash interrupted is finished by any instance', async () => {
    const digest = await instance.push('app', 'content')
    const dying = await lab.instance({
      driver: (driver) => ({ ...driver, remove: () => Promise.reject(new AppError('unavailable', 'out of reach')) }),
    })
    lab.advance(2 * hour)
    expect(dying.collector.run()).rejects.toThrow('out of reach')
    await dying.collector.run().catch(() => undefined)
    expect(await lab.driver.stat(blobKey(digest))).toBeDefined()
    expect(await instance.collector.run()).toMatchObject({ blobs: 1 })
    expect(await lab.remains()).toEqual({})
  })

  test('a store that is out of reach or no longer configured keeps nobody from clearing the others', async () => {
    await instance.push('app', 'content')
    const gone = { digest: digestOf(Buffer.from('x')), store: 'aaa-unknown', size: 1, lease_until: 0, created_at: 0 }
    await opened.db.queries
      .insertInto('blobs')
      .values({ ...gone, state: 'deleting' })
      .execute()
    lab.advance(2 * hour)
    expect(instance.collector.run()).rejects.toThrow('not configured')
    await instance.collector.run().catch(() => undefined)
    expect(await lab.remains()).toEqual({ blobs: 1 })
  })

  test('more candidates than fit in a batch are all looked at', async () => {
    const small = createCollector(
      {
        db: instance.db,
        stores: createBlobStores([{ name: 'default', driver: lab.driver }]),
        now: () => lab.clock.time,
        graceMs: hour,
      },
      { batch: 3, steady: () => lab.clock.time },
    )
    for (let n = 0; n < 10; n++) await instance.push(`app-${n % 2}`, `content ${n}`)
    lab.advance(2 * hour)
    expect(await small.run()).toMatchObject({ links: 10, blobs: 10 })
    expect(await lab.remains()).toEqual({})
  })

  test('two collectors at once remove everything once', async () => {
    const other = await lab.instance()
    for (let n = 0; n < 20; n++) await instance.push(`app-${n % 3}`, `content ${n}`)
    lab.advance(2 * hour)
    const [one, two] = await Promise.all([instance.collector.run(), other.collector.run()])
    expect(one.blobs + two.blobs).toBe(20)
    await instance.collector.run()
    expect(await lab.remains()).toEqual({})
  })

  test('nothing is removed for a grace time after the clock was set forward', async () => {
    let steady = 0
    const watching = createCollector(
      {
        db: instance.db,
        stores: createBlobStores([{ name: 'default', driver: lab.driver }]),
        now: () => lab.clock.time,
        graceMs: hour,
      },
      { steady: () => steady },
    )
    await instance.push('app', 'pushed a moment ago')
    await watching.run()
    lab.advance(5 * hour)
    expect(await watching.run()).toMatchObject({ links: 0, blobs: 0 })
    steady += hour
    lab.advance(hour)
    expect(await watching.run()).toMatchObject({ links: 1, blobs: 1 })
  })

  test('a clock set back only keeps things longer', async () => {
    await instance.push('app', 'content')
    lab.advance(-10 * hour)
    expect(await instance.collector.run()).toMatchObject({ blobs: 0 })
    lab.advance(11 * hour + 1)
    expect(await instance.collector.run()).toMatchObject({ blobs: 1 })
  })

  test('what could be reclaimed is told without changing anything', async () => {
    const [needed, loose] = [await instance.push('app', 'needed'), await instance.push('app', 'loose')]
    await instance.tag('app', [needed], 'v1')
    const { blobs, references } = await instance.collector.reclaimable()
    expect(references).toBe(1)
    expect(blobs).toMatchObject([{ digest: loose, size: 5, store: 'default' }])
    expect(await instance.pull('app', loose)).toBe('loose')
  })

  test('deleting a manifest with 10,000 references takes one transaction and leaves nothing', async () => {
    const digests = Array.from({ length: 10_000 }, (_, n) => digestOf(Buffer.from(`child ${n}`)))
    const { insertManifest, deleteManifest } = await import('../database/manifests.ts')
    const { ensureImage } = await import('../database/images.ts')
    const manifest = digestOf(Buffer.from('huge'))
    const imageId = await instance.db.transaction((tx) => ensureImage(tx, lab.home.id, 'huge', 0))
    const row = { image_id: imageId, digest: manifest, media_type: 'x', size: 1, artifact_type: null, subject: null }
    await instance.db.transaction((tx) =>
      insertManifest(tx, { ...row, annotations: null, created_at: 0, content: new Uint8Array(1) }, digests),
    )
    await instance.db.transaction((tx) =>
      deleteManifest(tx, { imageId, digest: manifest, store: 'default' }, lab.clock.time),
    )
    expect(await instance.collector.run()).toMatchObject({ reviewed: 10_002 })
    expect(await lab.remains()).toEqual({})
  })
})
