import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour, type Instance, type Lab, minute, openLab } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { blobKey } from './blob-store.ts'
import { digestOf } from './digest.ts'

describeOnEachDatabase('blobs', (open) => {
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

  test('the same content in two images and repositories is stored once and seen only where it was pushed', async () => {
    const digest = await instance.push('one', 'same')
    await instance.push('two', 'same')
    expect(await lab.remains()).toMatchObject({ objects: 1, blobs: 1, blob_links: 2 })
    expect(await instance.pull('three', digest)).toBeUndefined()
    expect(await instance.others.blob('one', digest)).toBeUndefined()
  })

  test('a mount links what the source has, also across repositories, and nothing else', async () => {
    const digest = await instance.push('source', 'shared')
    const source = instance.placeOf('source')
    expect(await instance.blobs.mount(source, instance.placeOf('target'), digest)).toBe(true)
    expect(await instance.pull('target', digest)).toBe('shared')
    const elsewhere = { repositoryId: lab.other.id, image: 'target', store: 'default' }
    expect(await instance.blobs.mount(source, elsewhere, digest)).toBe(true)
    expect(await instance.others.blob('target', digest)).toMatchObject({ size: 6 })
    expect(await instance.blobs.mount(source, { ...elsewhere, store: 'another' }, digest)).toBe(false)
    const unknown = digestOf(Buffer.from('unknown'))
    expect(await instance.blobs.mount(source, instance.placeOf('target'), unknown)).toBe(false)
    expect(await instance.blobs.mount(instance.placeOf('nowhere'), instance.placeOf('target'), digest)).toBe(false)
  })

  test('a deleted blob is gone from its image at once and stays in the others', async () => {
    const digest = await instance.push('one', 'same')
    await instance.push('two', 'same')
    expect(await instance.images.deleteBlob('one', digest)).toBe(true)
    expect(await instance.images.deleteBlob('one', digest)).toBe(false)
    expect(await instance.pull('one', digest)).toBeUndefined()
    lab.advance(24 * hour)
    await instance.has('two', digest)
    await instance.collector.run()
    expect(await instance.pull('two', digest)).toBe('same')
  })

  test('a blob that a manifest needs cannot be deleted', async () => {
    const digest = await instance.push('app', 'needed')
    await instance.tag('app', [digest], 'v1')
    expect(instance.images.deleteBlob('app', digest)).rejects.toMatchObject({ code: 'method-unsupported' })
    expect(await instance.pull('app', digest)).toBe('needed')
  })

  test('being told that a blob is there keeps it for at least half the grace time', async () => {
    const digest = await instance.push('app', 'asked for')
    lab.advance(hour - minute)
    expect(await instance.has('app', digest)).toBe(true)
    lab.advance(hour / 2)
    await instance.collector.run()
    expect(await instance.pull('app', digest)).toBe('asked for')
    lab.advance(hour / 2 + minute)
    await instance.collector.run()
    expect(await instance.has('app', digest)).toBe(false)
    expect(await lab.remains()).toEqual({})
  })

  test('a lease is never made shorter by a clock that was set back', async () => {
    const digest = await instance.push('app', 'kept')
    lab.advance(-3 * hour)
    await instance.has('app', digest)
    await instance.push('app', 'kept')
    lab.advance(3 * hour + 30 * minute)
    await instance.collector.run()
    expect(await instance.pull('app', digest)).toBe('kept')
  })

  for (const [what, bytes] of [
    ['lost', undefined],
    ['cut short', 'con'],
  ] as const) {
    test(`a push that asks first brings a file back that was ${what}`, async () => {
      const digest = await instance.push('app', 'content')
      await instance.tag('app', [digest], 'v1')
      await lab.driver.remove(blobKey(digest))
      if (bytes) await lab.driver.write(blobKey(digest), once(bytes))
      expect(await instance.has('app', digest)).toBe(false)
      await instance.push('app', 'content')
      expect(await instance.has('app', digest)).toBe(true)
      expect(await instance.pull('app', digest)).toBe('content')
    })
  }
})

async function* once(text: string) {
  yield new TextEncoder().encode(text)
}
