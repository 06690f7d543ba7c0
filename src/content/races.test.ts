import { afterEach, beforeEach, expect, test } from 'bun:test'
import { hour, type Instance, type Lab, once, openLab } from '../../test/helpers/content-lab.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { createPauses, race } from '../../test/helpers/pauses.ts'
import { type Digest, digestOf } from './digest.ts'

/** Two instances on one database and store; the first is held up at a chosen step while the second does the opposite. */
describeOnEachDatabase('two instances at once', (open) => {
  let opened: TestDatabase
  let lab: Lab
  let first: Instance
  let second: Instance
  const pauses = createPauses()
  beforeEach(async () => {
    opened = await open()
    lab = await openLab(opened, { graceMs: 0 })
    first = await lab.instance(pauses)
    second = await lab.instance()
  })
  afterEach(async () => {
    await lab.check()
    await opened.close()
  })

  /** A blob that is linked, unreferenced and past its lease. */
  async function forgotten(image = 'app'): Promise<Digest> {
    const digest = await second.push(image, 'content')
    lab.advance(hour)
    return digest
  }

  test('the collector keeps a blob that a manifest not yet committed references', async () => {
    const digest = await forgotten()
    const [put, gc] = await race(
      pauses,
      'in transaction',
      () => first.tag('app', [digest], 'v1'),
      () => {
        // However short the lease: the references decide.
        lab.advance(hour)
        return second.collector.run()
      },
    )
    expect([put.status, gc.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(await second.pull('app', digest)).toBe('content')
  })

  test('a manifest is refused when the collector is just removing its blob', async () => {
    const digest = await forgotten()
    const [, put] = await race(
      pauses,
      'in transaction',
      () => first.collector.run(),
      () => second.tag('app', [digest], 'v1'),
    )
    expect(put).toMatchObject({ status: 'rejected', reason: { code: 'manifest-reference-unknown' } })
  })

  test('deleting a blob is refused when a manifest not yet committed references it', async () => {
    const digest = await second.push('app', 'content')
    const [put, removed] = await race(
      pauses,
      'in transaction',
      () => first.tag('app', [digest], 'v1'),
      () => second.images.deleteBlob('app', digest),
    )
    expect(put.status).toBe('fulfilled')
    expect(removed).toMatchObject({ status: 'rejected', reason: { code: 'method-unsupported' } })
    expect(await second.pull('app', digest)).toBe('content')
  })

  test('a manifest is refused when its blob is just being deleted', async () => {
    const digest = await second.push('app', 'content')
    const [removed, put] = await race(
      pauses,
      'in transaction',
      () => first.images.deleteBlob('app', digest),
      () => second.tag('app', [digest], 'v1'),
    )
    expect(removed).toMatchObject({ status: 'fulfilled', value: true })
    expect(put).toMatchObject({ status: 'rejected', reason: { code: 'manifest-reference-unknown' } })
  })

  test('an instance that is late to remove bytes does not remove those of a new push', async () => {
    const digest = await forgotten()
    const [gc, push] = await race(
      pauses,
      'before remove',
      () => first.collector.run(),
      async () => {
        await second.collector.run()
        return second.push('app', 'content')
      },
    )
    expect([gc.status, push.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(await second.pull('app', digest)).toBe('content')
  })

  test('a push of the same bytes between their removal and its end is kept', async () => {
    const digest = await forgotten()
    const [gc, push] = await race(
      pauses,
      'after remove',
      () => first.collector.run(),
      () => second.push('app', 'content'),
    )
    expect([gc.status, push.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(await second.pull('app', digest)).toBe('content')
  })

  for (const point of ['before commit', 'after commit'] as const) {
    test(`a push that is held up ${point} until long after its reservation tells the truth`, async () => {
      const [push] = await race(
        pauses,
        point,
        () => first.push('app', 'content'),
        async () => {
          lab.advance(24 * hour)
          await second.collector.run()
          lab.advance(24 * hour)
        },
      )
      const there = await second.images.blob('app', digestOf(Buffer.from('content')))
      expect(there !== undefined).toBe(push.status === 'fulfilled')
      if (push.status === 'rejected') expect(push.reason).toMatchObject({ code: 'unavailable' })
    })
  }

  test('a push that skips content which vanishes meanwhile does not call another push done', async () => {
    const digest = await forgotten()
    const fresh = createPauses()
    const third = await lab.instance(fresh)
    const [push] = await race(
      pauses,
      'after relaxed',
      // The first of its relaxed writes starts the upload, so the race begins with the next one.
      async () => {
        const upload = await second.uploads.start(second.placeOf('app'))
        await first.uploads.finish(upload, digest, {
          bytes: once('content'),
        })
      },
      async () => {
        lab.advance(24 * hour)
        await second.collector.run()
        // Reserved, and dies before it has moved anything.
        const dying = fresh.at('before commit')
        void third.push('app', 'content').catch(() => undefined)
        await dying.reached
      },
    )
    if (push.status === 'fulfilled') expect(await second.pull('app', digest)).toBe('content')
  })

  test('a blob that HEAD promised while the collector looked at it stays, and stays in the queue', async () => {
    const kept = await openLab(opened, { graceMs: hour, driver: lab.driver })
    const collecting = await kept.instance(pauses)
    const asking = await kept.instance()
    const digest = await asking.push('app', 'content')
    kept.advance(2 * hour)
    const [, promised] = await race(
      pauses,
      'before transaction',
      () => collecting.collector.run(),
      () => asking.has('app', digest),
    )
    expect(promised).toMatchObject({ value: true })
    expect(await asking.pull('app', digest)).toBe('content')
    await kept.check()
    kept.advance(2 * hour)
    await asking.collector.run()
    expect(await kept.remains()).toEqual({})
  })

  test('a mount that is not yet committed keeps the content', async () => {
    const digest = await forgotten('source')
    const [mount] = await race(
      pauses,
      'in transaction',
      () => first.blobs.mount(first.placeOf('source'), first.placeOf('target'), digest),
      async () => {
        lab.advance(hour)
        const unlinked = await second.images.deleteBlob('source', digest)
        await second.collector.run()
        return unlinked
      },
    )
    expect(mount).toMatchObject({ status: 'fulfilled', value: true })
  })

  test('no tag is left without its manifest when the same manifest is pushed and deleted', async () => {
    const layer = await second.push('app', 'layer')
    const digest = await second.tag('app', [layer], 'v1')
    await race(
      pauses,
      'in transaction',
      () => first.tag('app', [layer], 'v2'),
      () => second.images.deleteManifest('app', digest),
    )
    await lab.check()
    const again = await second.tag('app', [layer], 'v1')
    await race(
      pauses,
      'in transaction',
      () => first.images.deleteManifest('app', again),
      () => second.tag('app', [layer], 'v3'),
    )
  })

  test('a repository that lets a tag be pushed once lets only one of two pushes at once have it', async () => {
    const strict = await openLab(opened, { writePolicy: 'allow-once', driver: lab.driver })
    const [one, two] = [await strict.instance(pauses), await strict.instance()]
    const [a, b] = [await two.push('app', 'a'), await two.push('app', 'b')]
    const ends = await race(
      pauses,
      'in transaction',
      () => one.tag('app', [a], 'v1'),
      () => two.tag('app', [b], 'v1'),
    )
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(ends[1]).toMatchObject({ reason: { code: 'policy-refused' } })
  })

  test('an image that becomes empty while a blob is added to it keeps the blob', async () => {
    const old = await forgotten()
    await second.images.deleteBlob('app', old)
    const [push, gc] = await race(
      pauses,
      'in transaction',
      () => first.push('app', 'new'),
      () => second.collector.run(),
    )
    expect([push.status, gc.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(await second.pull('app', (push as PromiseFulfilledResult<Digest>).value)).toBe('new')
  })

  test('an image that is just removed is made again for a blob that is added to it', async () => {
    const old = await forgotten()
    await second.images.deleteBlob('app', old)
    const [gc, push] = await race(
      pauses,
      'in transaction',
      () => first.collector.run(),
      () => second.push('app', 'new'),
    )
    expect([gc.status, push.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(await second.pull('app', (push as PromiseFulfilledResult<Digest>).value)).toBe('new')
  })
})
