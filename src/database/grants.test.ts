import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { Kysely } from 'kysely'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { postgresColumns, sqliteColumns } from './columns.ts'
import { listGrants } from './grants.ts'
import { up } from './migrations/0004-grants.ts'
import { findUser } from './users.ts'

describeOnEachDatabase('the migration to grants', (open) => {
  let opened: TestDatabase
  beforeEach(async () => {
    opened = await open()
    await opened.db.queries.schema.dropTable('grants').execute()
    await opened.db.queries.schema.alterTable('users').dropColumn('managed_by').execute()
  })
  afterEach(() => opened.close())

  const migrate = () =>
    opened.db.transaction((tx) =>
      up(tx as unknown as Kysely<unknown>, opened.db.kind === 'sqlite' ? sqliteColumns : postgresColumns),
    )

  test('leaves every user what they could do before', async () => {
    for (const [name, admin] of [
      ['admin', 1],
      ['bob', 0],
      ['eve', 0],
    ] as const)
      await opened.db.queries.insertInto('users').values({ name, admin, password_hash: 'x', created_at: 5 }).execute()
    await migrate()
    const grants = (await listGrants(opened.db.queries)).map(({ id: _, ...rest }) => rest)
    const same = {
      subject_kind: 'user',
      role: 'maintainer',
      repository: '*',
      images: '[]',
      managed_by: 'database',
      created_at: 5,
    }
    expect(grants).toMatchObject([
      { ...same, subject: 'bob' },
      { ...same, subject: 'eve' },
    ])
    expect((await findUser(opened.db, 'admin'))?.managed_by).toBe('database')
  })

  test('grants nothing where there are no users', async () => {
    await migrate()
    expect(await listGrants(opened.db.queries)).toEqual([])
  })
})
