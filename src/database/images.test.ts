import { afterEach, beforeEach, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { ensureImage, findImage, removeEmptyImage } from './images.ts'
import { deleteManifest, findManifests, insertManifest } from './manifests.ts'
import { putRepository } from './repositories.ts'
import { deleteTag, deleteTagsOf, findTags, prepareListTags, putTag } from './tags.ts'

describeOnEachDatabase('images, manifests and tags', (open) => {
  let opened: TestDatabase
  let imageId: number
  beforeEach(async () => {
    opened = await open()
    const rest = { format: 'docker', type: 'hosted', blob_store: 'default', write_policy: 'allow' } as const
    const row = { ...rest, name: 'private', description: '', managed_by: 'file', created_at: 0 } as const
    await putRepository(opened.db.queries, row)
    imageId = await opened.db.transaction((tx) => ensureImage(tx, 1, 'app', 0))
  })
  afterEach(() => opened.close())

  const manifest = (digest: string) => ({
    image_id: imageId,
    digest,
    media_type: 'x',
    size: 1,
    artifact_type: null,
    subject: null,
    annotations: null,
    created_at: 0,
    content: new Uint8Array([1]),
  })
  const history = () => opened.db.queries.selectFrom('tag_history').select(['name', 'digest']).orderBy('id').execute()

  test('an image asked for by many at once is made once', async () => {
    const second = await opened.again()
    const ids = await Promise.all(
      [opened.db, second, opened.db, second].map((db, n) =>
        db.transaction((tx) => ensureImage(tx, 1, 'new', n, { hold: n % 2 === 0 })),
      ),
    )
    expect(new Set(ids).size).toBe(1)
  })

  test('an image is removed only when it is empty, and its history with it', async () => {
    const { db } = opened
    await db.transaction((tx) => insertManifest(tx, manifest('m'), []))
    await db.transaction((tx) => putTag(tx, imageId, 'v1', 'm', 1))
    expect(await db.transaction((tx) => removeEmptyImage(tx, imageId))).toBe(false)
    await db.transaction((tx) => deleteTagsOf(tx, imageId, 'm', 2))
    await db.transaction((tx) => deleteManifest(tx, { imageId, digest: 'm', store: 'default' }, 3))
    expect(await db.transaction((tx) => removeEmptyImage(tx, imageId))).toBe(true)
    expect(await findImage(db.queries, 1, 'app')).toBeUndefined()
    expect(await history()).toEqual([])
  })

  test('a manifest pushed twice is there once, with each reference once', async () => {
    const put = () => opened.db.transaction((tx) => insertManifest(tx, manifest('m'), ['a', 'b', 'a']))
    await put()
    await put()
    expect(await findManifests(opened.db.queries, imageId, ['m', 'n'])).toEqual(new Set(['m']))
    expect(await opened.db.queries.selectFrom('manifest_references').select('digest').execute()).toHaveLength(2)
  })

  test('deleting a manifest takes its references along and leaves the image and what they named for review', async () => {
    const { db } = opened
    await db.transaction((tx) => insertManifest(tx, manifest('m'), ['a', 'b']))
    expect(await db.transaction((tx) => deleteManifest(tx, { imageId, digest: 'm', store: 'default' }, 7))).toBe(true)
    expect(await db.transaction((tx) => deleteManifest(tx, { imageId, digest: 'm', store: 'default' }, 8))).toBe(false)
    const queue = await db.queries.selectFrom('gc_queue').select(['image_id', 'digest', 'due_at']).execute()
    expect(queue.map(({ image_id, digest }) => `${image_id > 0 ? 'link' : 'blob'} ${digest}`).sort()).toEqual([
      'blob m',
      'link a',
      'link b',
      'link m',
    ])
    expect(new Set(queue.map(({ due_at }) => due_at))).toEqual(new Set([7]))
  })

  test('a tag remembers where it pointed, but not that it was set to the same again', async () => {
    const { db } = opened
    for (const digest of ['m', 'm', 'n']) await db.transaction((tx) => putTag(tx, imageId, 'v1', digest, 1))
    expect(await db.transaction((tx) => deleteTag(tx, imageId, 'v1', 2))).toBe(true)
    expect(await db.transaction((tx) => deleteTag(tx, imageId, 'v1', 2))).toBe(false)
    expect((await history()).map(({ digest }) => digest)).toEqual(['m', 'n', null])
  })

  test('tags are listed by page in byte order, and deleted with their manifest', async () => {
    const { db } = opened
    const list = prepareListTags(db)
    expect(await list(1, 'app', '', 10)).toBeUndefined()
    await db.transaction((tx) => insertManifest(tx, manifest('m'), []))
    for (const name of ['b', 'a', 'B']) await db.transaction((tx) => putTag(tx, imageId, name, 'm', 1))
    expect(await list(1, 'app', '', 2)).toEqual(['B', 'a'])
    expect(await list(1, 'app', 'a', 2)).toEqual(['b'])
    expect((await db.transaction((tx) => deleteTagsOf(tx, imageId, 'm', 2))).sort()).toEqual(['B', 'a', 'b'])
    expect(await findTags(db.queries, imageId, ['a', 'b'])).toEqual(new Map())
  })
})
