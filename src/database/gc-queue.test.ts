import { afterEach, beforeEach, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { condemnedBlobs, dueBlobs, enqueue, holdCondemned, postpone, settle } from './gc-queue.ts'

describeOnEachDatabase('the queue of the garbage collector', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  const candidate = (digest: string) => ({ imageId: 0, store: 'default', digest })
  const due = (now: number) => dueBlobs(opened.db.queries, now, 100)
  const blob = { store: 'default', size: 1, lease_until: 0, created_at: 0 }

  test('shows what is due, the oldest first, and nothing that is not', async () => {
    await enqueue(opened.db.queries, [candidate('b')], 20)
    await enqueue(opened.db.queries, [candidate('a')], 10)
    await enqueue(opened.db.queries, [candidate('c')], 30)
    expect((await due(20)).map(({ digest }) => digest)).toEqual(['a', 'b'])
    expect(await due(9)).toEqual([])
  })

  test('keeps one entry for a candidate that is asked about again, at the new time', async () => {
    await enqueue(opened.db.queries, [candidate('a')], 10)
    await enqueue(opened.db.queries, [candidate('a')], 50)
    expect(await due(49)).toEqual([])
    expect(await due(50)).toHaveLength(1)
  })

  test('neither settles nor postpones what was asked about again since it was read', async () => {
    await enqueue(opened.db.queries, [candidate('a')], 10)
    const read = await due(10)
    await enqueue(opened.db.queries, [candidate('a')], 10)
    await settle(opened.db.queries, read)
    await postpone(opened.db.queries, read[0]!, 99)
    expect(await due(10)).toHaveLength(1)
    await settle(opened.db.queries, await due(10))
    expect(await due(100)).toEqual([])
  })

  test('takes thousands of candidates at once', async () => {
    const many = Array.from({ length: 2500 }, (_, n) => candidate(`${n}`))
    await enqueue(opened.db.queries, many, 10)
    await settle(opened.db.queries, await dueBlobs(opened.db.queries, 10, 5000))
    expect(await due(10)).toEqual([])
  })

  test('lets only one of two instances take condemned content, and none take what lives', async () => {
    const second = await opened.again()
    await opened.db.queries
      .insertInto('blobs')
      .values([
        { ...blob, digest: 'dead', state: 'deleting' },
        { ...blob, digest: 'live', state: 'live' },
      ])
      .execute()
    expect(await condemnedBlobs(opened.db.queries, 'default', '', 10)).toMatchObject([{ digest: 'dead' }])
    expect(await opened.db.transaction((tx) => holdCondemned(tx, 'default', 'live'))).toBe(false)
    let other: Promise<boolean> | undefined
    const first = await opened.db.transaction(async (tx) => {
      const held = await holdCondemned(tx, 'default', 'dead')
      other = second.transaction((also) => holdCondemned(also, 'default', 'dead'))
      if (second.shared) expect(await other).toBe(false)
      await tx.deleteFrom('blobs').where('digest', '=', 'dead').execute()
      return held
    })
    expect(first).toBe(true)
    expect(await other).toBe(false)
  })
})
