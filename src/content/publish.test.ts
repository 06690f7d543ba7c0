import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour, type Instance, type Lab, openLab } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { AppError } from '../errors.ts'
import type { StorageDriver } from '../storage/driver.ts'

describeOnEachDatabase('publishing a blob', (open) => {
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

  const trouble = () => Promise.reject(new AppError('unavailable', 'the disk is gone'))
  const failing = (broken: Partial<StorageDriver>) => lab.instance({ driver: (driver) => ({ ...driver, ...broken }) })

  test('content that is there is not moved into place again', async () => {
    await instance.push('one', 'same')
    const careful = await failing({ commit: trouble })
    const digest = await careful.push('two', 'same')
    expect(await instance.pull('two', digest)).toBe('same')
  })

  test('a push that fails before the bytes are in place leaves nothing once its reservation is over', async () => {
    const broken = await failing({ commit: trouble })
    const refused = await broken.push('app', 'content').catch((error) => error)
    expect(refused).toMatchObject({ message: 'the disk is gone' })
    lab.advance(24 * hour)
    await instance.uploads.purge(hour)
    await instance.collector.run()
    expect(await lab.remains()).toEqual({})
  })

  test('a push that fails after the bytes are in place is not seen, and leaves nothing in the end', async () => {
    let failed = false
    const broken = await lab.instance({
      database: (db) => {
        const transaction: typeof db.transaction = (work) => {
          if (failed) return db.transaction(work)
          failed = true
          return Promise.reject(new AppError('unavailable', 'no database'))
        }
        return Object.assign(Object.create(db) as typeof db, { transaction })
      },
    })
    const refused = await broken.push('app', 'content').catch((error) => error)
    expect(refused).toMatchObject({ message: 'no database' })
    expect(await lab.remains()).toMatchObject({ objects: 1 })
    await lab.check()
    lab.advance(24 * hour)
    await instance.uploads.purge(hour)
    await instance.collector.run()
    expect(await lab.remains()).toEqual({})
  })

  test('many pushes of the same content at once all succeed and store it once', async () => {
    const other = await lab.instance()
    const images = Array.from({ length: 12 }, (_, n) => `app-${n % 5}`)
    const digests = await Promise.all(images.map((image, n) => (n % 2 ? other : instance).push(image, 'popular')))
    for (const [n, digest] of digests.entries()) expect(await instance.pull(images[n]!, digest)).toBe('popular')
    expect(await lab.remains()).toMatchObject({ objects: 1, blobs: 1, blob_links: 5 })
  })
})
