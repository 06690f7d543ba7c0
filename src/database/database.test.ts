import { afterEach, beforeEach, expect, test } from 'bun:test'
import { sql } from 'kysely'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { findUser, insertUser } from './users.ts'

describeOnEachDatabase('database', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
  })
  afterEach(() => opened.close())

  const user = { name: 'eve', password_hash: 'x', admin: 0, created_at: 1_800_000_000_000 }

  test('keeps what was written when it is opened again', async () => {
    await insertUser(opened.db, user)
    const second = await opened.again()
    expect(await findUser(second, 'eve')).toMatchObject(user)
  })

  test('refuses a name that is taken and says so', async () => {
    expect(await insertUser(opened.db, user)).toBe(true)
    expect(await insertUser(opened.db, { ...user, password_hash: 'y' })).toBe(false)
    expect(await findUser(opened.db, 'eve')).toMatchObject({ password_hash: 'x' })
  })

  test('rolls a failed transaction back whole', async () => {
    const failing = opened.db.transaction(async (tx) => {
      await tx.insertInto('users').values(user).execute()
      throw new Error('halfway')
    })
    expect(failing).rejects.toThrow('halfway')
    await failing.catch(() => undefined)
    expect(await findUser(opened.db, 'eve')).toBeUndefined()
  })

  test('shows a relaxed write to every connection at once', async () => {
    const second = await opened.again()
    await opened.db.relaxed((tx) => tx.insertInto('users').values(user).execute())
    expect(await findUser(second, 'eve')).toMatchObject({ name: 'eve' })
    await insertUser(opened.db, { ...user, name: 'after' })
    expect(await findUser(second, 'after')).toMatchObject({ name: 'after' })
  })

  test('answers prepared queries with each call its own parameters', async () => {
    const find = opened.db.prepare<{ name: string; admin: number }, { name: string; created_at: number }>(
      (queries, p) =>
        queries
          .selectFrom('users')
          .select(['name', 'created_at'])
          .where('admin', '=', p.admin)
          .where('name', '=', p.name),
    )
    await insertUser(opened.db, user)
    await insertUser(opened.db, { ...user, name: 'adam', admin: 1 })
    expect(await find({ name: 'eve', admin: 0 })).toEqual([{ name: 'eve', created_at: user.created_at }])
    expect(await find({ name: 'adam', admin: 1 })).toEqual([{ name: 'adam', created_at: user.created_at }])
    expect(await find({ name: 'adam', admin: 0 })).toEqual([])
  })

  test('orders text by byte value', async () => {
    for (const name of ['b', 'B', 'a-b', 'a.b', 'a_b', 'aB', 'ab', '1']) await insertUser(opened.db, { ...user, name })
    const rows = await opened.db.queries.selectFrom('users').select('name').orderBy('name').execute()
    const names = rows.map((row) => row.name)
    expect(names).toEqual([...names].sort((a, b) => (a < b ? -1 : 1)))
  })

  test('lets many instances migrate an empty database at the same time', async () => {
    await Promise.all([opened.again(), opened.again(), opened.again()])
    expect(await insertUser(opened.db, user)).toBe(true)
  })

  test('refuses a database that a newer version has changed', async () => {
    await sql`insert into entrepot_migrations (name, timestamp) values ('9999-future', '2030')`.execute(
      opened.db.queries,
    )
    expect(opened.again()).rejects.toThrow('newer version')
  })

  test('writes from two connections at once without losing any', async () => {
    const second = await opened.again()
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        (i % 2 ? second : opened.db).transaction((tx) =>
          tx
            .insertInto('users')
            .values({ ...user, name: `user-${i}` })
            .execute(),
        ),
      ),
    )
    const { count } = await opened.db.queries
      .selectFrom('users')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(count).toBe(100)
  })

  test('leaves single statements durable after a relaxed transaction', async () => {
    if (opened.db.kind !== 'sqlite') return
    await opened.db.relaxed((tx) => tx.insertInto('users').values(user).execute())
    const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(opened.db.queries)
    expect(rows).toEqual([{ synchronous: 2 }])
  })

  test('a broken foreign key means that a row was removed meanwhile, and the transaction runs again', async () => {
    let runs = 0
    const rows = { name: 'v1', digest: 'x', updated_at: 0 }
    const orphan = opened.db.transaction((tx) => {
      runs++
      return tx
        .insertInto('tags')
        .values({ ...rows, image_id: 99 })
        .execute()
    })
    expect(await orphan.catch((error) => error)).toBeInstanceOf(Error)
    expect(runs).toBe(opened.db.kind === 'postgres' ? 5 : 1)
  })

  test('is served by one process only where it cannot be shared', async () => {
    const second = await opened.again()
    await opened.db.claim()
    if (opened.db.shared) await second.claim()
    else expect(second.claim()).rejects.toThrow('another process serves')
  })
})
