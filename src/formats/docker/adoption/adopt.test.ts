import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeOnEachDatabase, type TestDatabase } from '../../../../test/helpers/databases.ts'
import {
  blobOf,
  descriptorOf,
  makeImage,
  makeIndex,
  manifestOf,
  mediaTypes,
  noiseBlob,
} from '../../../../test/helpers/oci.ts'
import { filesOf, type RegistryTree, registryTree } from '../../../../test/helpers/registry-tree.ts'
import { openTestRepositories } from '../../../../test/helpers/repositories.ts'
import { type BlobStore, createBlobStores } from '../../../content/blob-store.ts'
import { createBlobs } from '../../../content/blobs.ts'
import { createCollector } from '../../../content/collector.ts'
import type { Digest } from '../../../content/digest.ts'
import { findOrphans } from '../../../content/orphans.ts'
import { createUploads } from '../../../content/uploads.ts'
import type { Repositories } from '../../../repositories/repositories.ts'
import { openFilesystemDriver } from '../../../storage/filesystem.ts'
import { readOnlyFolder } from '../../../storage/filesystem-source.ts'
import { createInMemoryDriver } from '../../../storage/inmemory.ts'
import { silentLog } from '../../../telemetry/log.ts'
import { createHostedImages } from '../images/hosted.ts'
import { adoptImages } from './adopt.ts'
import { openAdoption } from './first-start.ts'
import type { Problem } from './report.ts'
import type { Source } from './source.ts'

const hour = 3_600_000

describeOnEachDatabase('adoption of a registry:2', (open) => {
  let opened: TestDatabase
  let folder: string
  let tree: RegistryTree
  let time: number

  beforeEach(async () => {
    opened = await open()
    folder = mkdtempSync(join(tmpdir(), 'entrepot-adopt-'))
    mkdirSync(join(folder, 'registry'))
    tree = registryTree(join(folder, 'registry'))
    time = Date.now()
  })
  afterEach(async () => {
    await opened.close()
    rmSync(folder, { recursive: true })
  })

  /** An installation whose blob store is the tree itself, or the store given. */
  async function install(store?: BlobStore) {
    const own = store ?? { name: 'default', driver: await openFilesystemDriver({ root: tree.root }) }
    const parts = { db: opened.db, stores: createBlobStores([own]), now: () => time, graceMs: hour }
    const repositories: Repositories = await openTestRepositories(parts.db, [{ name: 'private' }], 'private', parts.now)
    const uploads = createUploads(parts)
    const blobs = createBlobs(parts)
    const options = { readOnly: false, deletable: true, sparse: false }
    const images = createHostedImages({ ...parts, blobs, uploads }, options)(repositories.default)
    const problems: Problem[] = []
    const adopt = (more: { verify?: boolean; serving?: boolean; source?: Source } = {}) =>
      adoptImages(
        { ...parts, uploads },
        {
          source: store ? readOnlyFolder(tree.root) : own.driver,
          repository: repositories.default,
          taken: ['private'],
          inPlace: !store,
          onProblem: (problem) => problems.push(problem),
          ...more,
        },
      )
    const said = () => problems.map(({ kind, image, reference }) => `${kind} ${image} ${reference ?? ''}`.trim()).sort()
    return { ...parts, uploads, images, adopt, said, problems, repositories, driver: own.driver }
  }

  type Installed = Awaited<ReturnType<typeof install>>

  async function bytesOf({ images }: Installed, image: string, digest: string): Promise<string | undefined> {
    const blob = await images.blob(image, digest as Digest)
    return (
      blob && Buffer.concat(await Array.fromAsync(await blob.read(), (chunk) => Buffer.from(chunk))).toString('base64')
    )
  }

  async function expectWhole(
    installed: Installed,
    name: string,
    { manifest, config, layers }: ReturnType<typeof makeImage>,
    tag: string,
  ) {
    const found = await installed.images.manifest(name, { tag })
    expect(found).toMatchObject({ digest: manifest.digest, mediaType: manifest.mediaType })
    expect(Buffer.from(found!.content)).toEqual(Buffer.from(manifest.bytes))
    for (const blob of [config, ...layers])
      expect(await bytesOf(installed, name, blob.digest)).toBe(Buffer.from(blob.bytes).toString('base64'))
  }

  test('serves tags, untagged manifests, nested names and indexes, and touches no file', async () => {
    const one = makeImage('one')
    const two = makeImage('two', { layers: [...one.layers, noiseBlob('more', 10)] })
    const untagged = makeImage('untagged')
    tree.image('app', one, 'v1')
    tree.image('app', untagged)
    tree.image('app/nested/deep', two, 'latest')
    const index = makeIndex([descriptorOf(one.manifest), descriptorOf(untagged.manifest)])
    tree.manifest('app', index)
    tree.tag('app', 'multi', index.digest)
    tree.write('repositories/app/_uploads/123/data', 'half')
    const before = filesOf(tree.root)

    const installed = await install()
    const done = await installed.adopt()
    expect(installed.said()).toEqual([])
    expect(done).toMatchObject({ images: 2, manifests: 4, newManifests: 4, newTags: 3, copied: 0 })
    await expectWhole(installed, 'app', one, 'v1')
    await expectWhole(installed, 'app/nested/deep', two, 'latest')
    expect(await installed.images.manifest('app', { tag: 'multi' })).toMatchObject({ mediaType: mediaTypes.index })
    expect(await installed.images.manifest('app', { digest: untagged.manifest.digest as Digest })).toBeDefined()
    expect(await installed.images.images({ last: '', limit: 10 })).toEqual(['app', 'app/nested/deep'])
    expect(filesOf(tree.root)).toEqual(before)
  })

  test('keeps times and the history of tags', async () => {
    const [old, middle, now] = [makeImage('old'), makeImage('middle'), makeImage('now')]
    const day = Date.UTC(2020, 0, 1)
    tree.image('app', middle, 'v1', { at: day + 2 * hour })
    tree.image('app', old, 'v1', { at: day + hour })
    tree.image('app', now, 'v1', { at: day + 3 * hour })
    await (await install()).adopt()
    const { queries } = opened.db
    const history = await queries.selectFrom('tag_history').select(['digest', 'at']).orderBy('id').execute()
    expect(history).toEqual([
      { digest: old.manifest.digest, at: day + hour },
      { digest: middle.manifest.digest, at: day + 2 * hour },
      { digest: now.manifest.digest, at: day + 3 * hour },
    ])
    expect(await queries.selectFrom('tags').select(['digest', 'updated_at']).execute()).toEqual([
      { digest: now.manifest.digest, updated_at: day + 3 * hour },
    ])
    const pushed = await queries.selectFrom('manifests').select('created_at').orderBy('created_at').execute()
    expect(pushed.map(({ created_at }) => created_at)).toEqual([day + hour, day + 2 * hour, day + 3 * hour])
  })

  test('reports every broken part with its reason and adopts the rest', async () => {
    const good = makeImage('good')
    tree.image('app', good, 'good')
    tree.tag('app', 'dangling', blobOf('nothing').digest)
    tree.write('repositories/app/_manifests/tags/empty/current/link', '')
    tree.write('repositories/app/_manifests/tags/junk/current/link', 'no digest')
    tree.write('repositories/app/_manifests/tags/-bad/current/link', good.manifest.digest)
    mkdirSync(join(tree.root, 'docker/registry/v2/repositories/app/_manifests/tags/deleted'))
    const noData = blobOf('no data')
    tree.revision('app', noData.digest)
    const emptyData = blobOf('empty data')
    tree.revision('app', emptyData.digest)
    tree.data(emptyData, '')
    const emptyLink = makeImage('empty link').manifest
    tree.data(emptyLink)
    tree.revision('app', emptyLink.digest, { content: '' })
    const damaged = makeImage('damaged').manifest
    tree.revision('app', damaged.digest)
    tree.data(damaged, JSON.stringify({ schemaVersion: 2, config: {} }))
    const noJson = blobOf('this is no JSON')
    tree.data(noJson)
    tree.revision('app', noJson.digest)
    const schema1 = manifestOf({ mediaType: 'application/vnd.docker.distribution.manifest.v1+json', schemaVersion: 1 })
    tree.manifest('app', schema1)
    tree.write('repositories/app/_manifests/revisions/md5/abc/link', 'md5:abc')
    tree.write(`repositories/app/_manifests/revisions/sha256/${'0'.repeat(64)}/link.123.tmp`, 'x')
    tree.image('Not/A/Name', makeImage('not a name'), 'v1')
    tree.image('private/app', makeImage('taken'), 'v1')

    const installed = await install()
    const done = await installed.adopt()
    expect(installed.said()).toEqual(
      [
        `tag-dangling app dangling`,
        `link-broken app empty`,
        `link-broken app junk`,
        `tag-invalid app -bad`,
        `manifest-missing app ${noData.digest}`,
        `manifest-missing app ${emptyData.digest}`,
        `link-broken app ${emptyLink.digest}`,
        `manifest-damaged app ${damaged.digest}`,
        `manifest-invalid app ${noJson.digest}`,
        `manifest-invalid app ${schema1.digest}`,
        `link-broken app md5:abc`,
        'name-invalid Not/A/Name',
        'name-taken private/app',
      ].sort(),
    )
    expect(done.problems).toMatchObject({ 'link-broken': 4, 'manifest-missing': 2 })
    expect(await installed.images.tags('app', { last: '', limit: 10 })).toEqual(['good'])
    await expectWhole(installed, 'app', good, 'good')
    await expectWhole(installed, 'private/app', makeImage('taken'), 'v1')
  })

  test('adopts manifests whose blobs are missing, empty, of another size or elsewhere, and says so', async () => {
    const [missing, empty] = [noiseBlob('missing', 100), noiseBlob('empty', 100)]
    const [short, fine] = [noiseBlob('short', 100), noiseBlob('fine', 100)]
    const image = makeImage('sparse', { layers: [missing, empty, short, fine] })
    tree.data(image.config)
    tree.data(empty, '')
    tree.data(short, short.bytes.slice(0, 50))
    tree.data(fine)
    tree.manifest('app', image.manifest)
    tree.tag('app', 'v1', image.manifest.digest)
    const foreign = manifestOf({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptorOf(image.config, mediaTypes.config),
      layers: [{ ...descriptorOf(noiseBlob('elsewhere', 5)), urls: ['https://example.com/layer'] }],
    })
    tree.manifest('app', foreign)
    const index = makeIndex([descriptorOf(image.manifest), descriptorOf(makeImage('absent').manifest)])
    tree.manifest('app', index)

    const installed = await install()
    await installed.adopt()
    expect(installed.said()).toEqual(
      [
        `blob-missing app ${missing.digest}`,
        `blob-damaged app ${empty.digest}`,
        `blob-damaged app ${short.digest}`,
        `child-missing app ${makeImage('absent').manifest.digest}`,
      ].sort(),
    )
    expect(await installed.images.manifest('app', { tag: 'v1' })).toBeDefined()
    expect(await bytesOf(installed, 'app', fine.digest)).toBeDefined()
    for (const blob of [missing, empty, short]) expect(await bytesOf(installed, 'app', blob.digest)).toBeUndefined()
  })

  test('finds damaged blobs when asked to verify', async () => {
    const image = makeImage('verify')
    tree.image('app', image, 'v1')
    tree.data(image.layers[0]!, new Uint8Array(image.layers[0]!.bytes.length))
    const installed = await install()
    await installed.adopt({ verify: true })
    expect(installed.said()).toEqual([`blob-damaged app ${image.layers[0]!.digest}`])
    expect(await bytesOf(installed, 'app', image.layers[0]!.digest)).toBeUndefined()
  })

  test('follows links to a content under another digest', async () => {
    const bytes = noiseBlob('alias', 300).bytes
    const [canonical, alias] = [blobOf(bytes), blobOf(bytes, 'sha512')]
    const image = makeImage('sha512', { layers: [alias] })
    const named = blobOf(image.manifest.bytes, 'sha512')
    tree.data(image.config)
    tree.layer('app', image.config.digest)
    tree.data(canonical)
    tree.layer('app', alias.digest, canonical.digest)
    tree.manifest('app', image.manifest)
    tree.revision('app', named.digest, { content: image.manifest.digest })
    tree.tag('app', 'v1', image.manifest.digest)
    const installed = await install()
    const done = await installed.adopt()
    expect(installed.said()).toEqual([])
    expect(done.copied).toBe(1)
    await expectWhole(installed, 'app', image, 'v1')
    expect(await installed.images.manifest('app', { digest: named.digest as Digest })).toBeDefined()
  })

  test('changes nothing the second time, and adds only what is new', async () => {
    tree.image('app', makeImage('first'), 'v1')
    const installed = await install()
    await installed.adopt()
    await installed.images.putManifest(
      'app',
      {
        bytes: makeIndex([]).bytes,
        mediaType: mediaTypes.index,
        references: [],
        subject: undefined,
        artifactType: undefined,
        annotations: undefined,
      },
      makeIndex([]).digest as Digest,
      ['v1'],
    )
    const rows = async () => ({
      manifests: await opened.db.queries.selectFrom('manifests').select(['id', 'digest']).orderBy('id').execute(),
      tags: await opened.db.queries.selectFrom('tags').selectAll().orderBy('name').execute(),
      history: await opened.db.queries.selectFrom('tag_history').selectAll().orderBy('id').execute(),
      links: await opened.db.queries.selectFrom('blob_links').select('digest').orderBy('digest').execute(),
    })
    const before = await rows()
    expect(await installed.adopt()).toMatchObject({ newManifests: 0, newTags: 0 })
    expect(await rows()).toEqual(before)
    tree.image('app', makeImage('second'), 'v2')
    expect(await installed.adopt()).toMatchObject({ newManifests: 1, newTags: 1 })
    expect(await installed.images.manifest('app', { tag: 'v1' })).toMatchObject({ digest: makeIndex([]).digest })
  })

  test('removes no file unless its manifest is deleted, and then all of them', async () => {
    const [kept, deleted] = [makeImage('kept'), makeImage('deleted')]
    tree.image('app', kept, 'kept')
    tree.image('app', deleted, 'deleted')
    const orphan = noiseBlob('orphan', 1000)
    tree.data(orphan)
    tree.layer('app', orphan.digest)
    const installed = await install()
    await installed.adopt()
    const collector = createCollector(installed, { steady: () => time })
    const isThere = (digest: string) =>
      filesOf(join(tree.root, 'docker/registry/v2/blobs')).has(`sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`)
    time += 2 * hour
    expect(await collector.run()).toMatchObject({ links: 0, blobs: 0 })

    await installed.images.deleteManifest('app', deleted.manifest.digest as Digest)
    time += 2 * hour
    expect(await collector.run()).toMatchObject({ blobs: 4 })
    for (const blob of [deleted.manifest, deleted.config, ...deleted.layers]) expect(isThere(blob.digest)).toBe(false)
    expect(isThere(orphan.digest)).toBe(true)
    await expectWhole(installed, 'app', kept, 'kept')

    expect(await findOrphans(installed, 'default')).toEqual({ blobs: 1, bytes: 1000 })
    await findOrphans(installed, 'default', { collect: true })
    expect(await collector.run()).toMatchObject({ blobs: 0 })
    time += 2 * hour
    expect(await collector.run()).toMatchObject({ blobs: 1, bytes: 1000 })
    expect(isThere(orphan.digest)).toBe(false)
    await expectWhole(installed, 'app', kept, 'kept')
  })

  test('beside a collector, links nothing whose file is being removed', async () => {
    const image = makeImage('raced')
    tree.image('app', image, 'v1')
    const installed = await install()
    const [first, second] = image.layers
    // What a collector does between the look at the file and the transaction: the file is gone, or about to be.
    const driver = {
      ...installed.driver,
      stat: async (key: string) => {
        const found = await installed.driver.stat(key)
        if (key.includes(first!.digest.slice(7))) await installed.driver.remove(key)
        return found
      },
    }
    const row = { store: 'default', digest: second!.digest, size: 1, lease_until: 0, created_at: 0 }
    await opened.db.queries
      .insertInto('blobs')
      .values({ ...row, state: 'deleting' })
      .execute()
    await installed.adopt({ serving: true, source: driver })
    expect(installed.said()).toEqual([`blob-missing app ${first!.digest}`, `blob-missing app ${second!.digest}`].sort())
    for (const blob of [first, second])
      expect(await installed.images.blob('app', blob!.digest as Digest)).toBeUndefined()
    expect(await bytesOf(installed, 'app', image.config.digest)).toBeDefined()
    time += 2 * hour
    await createCollector(installed, { steady: () => time }).run()
    expect(
      await opened.db.queries.selectFrom('blobs').select('digest').where('digest', '=', first!.digest).execute(),
    ).toEqual([])
  })

  test('copies into another store, verified, each blob once', async () => {
    const one = makeImage('one')
    const two = makeImage('two', { layers: one.layers })
    const bad = makeImage('bad')
    tree.image('app', one, 'v1')
    tree.image('other', two, 'v1')
    tree.image('other', bad, 'bad')
    tree.data(bad.layers[0]!, new Uint8Array(bad.layers[0]!.bytes.length))
    const before = filesOf(tree.root)
    const installed = await install({ name: 'default', driver: createInMemoryDriver() })
    const done = await installed.adopt()
    expect(installed.said()).toEqual([`blob-damaged other ${bad.layers[0]!.digest}`])
    expect(done).toMatchObject({ newManifests: 3, newTags: 3, copied: 6 })
    await expectWhole(installed, 'app', one, 'v1')
    await expectWhole(installed, 'other', two, 'v1')
    expect(filesOf(tree.root)).toEqual(before)
    expect(await installed.adopt()).toMatchObject({ newManifests: 0, copied: 0 })
    time += 2 * hour
    await createCollector(installed, { steady: () => time }).run()
    await expectWhole(installed, 'other', two, 'v1')
  })

  test('reads a place without folders the same way', async () => {
    const image = makeImage('objects')
    tree.image('a/b', image, 'v1')
    tree.tag('a/b', 'gone', blobOf('x').digest)
    const driver = createInMemoryDriver()
    const files = readOnlyFolder(tree.root)
    for await (const { key } of files.list('')) await driver.write(key, (await files.read(key))!)
    const installed = await install({ name: 'default', driver })
    const adoption = await openAdoption(installed, installed.repositories, silentLog)
    expect(adoption.check()).rejects.toThrow('try again later')
    await adoption.run(new AbortController().signal)
    await adoption.check()
    await adoption.close()
    await expectWhole(installed, 'a/b', image, 'v1')
  })

  test('goes on where it was broken off', async () => {
    for (let n = 0; n < 30; n++) tree.image(`app${n}`, makeImage(n, { layers: 1 }), 'v1')
    const installed = await install()
    const stop = new AbortController()
    const driver = {
      ...installed.driver,
      stat: async (key: string) => {
        if (key.includes('/app20/')) stop.abort()
        return installed.driver.stat(key)
      },
    }
    const stores = createBlobStores([{ name: 'default', driver }])
    const first = await openAdoption({ ...installed, stores }, installed.repositories, silentLog)
    await first.run(stop.signal)
    expect(first.check()).rejects.toThrow()
    const second = await openAdoption(installed, installed.repositories, silentLog)
    await second.run(new AbortController().signal)
    await second.check()
    for (const one of [first, second]) await one.close()
    expect(await installed.images.images({ last: '', limit: 100 })).toHaveLength(30)
    const { queries } = opened.db
    expect(await queries.selectFrom('tag_history').select('id').execute()).toHaveLength(30)
    expect(await queries.selectFrom('manifests').select('id').execute()).toHaveLength(30)
    const third = await openAdoption(installed, installed.repositories, silentLog)
    await third.check()
    await third.close()
  })

  test('is not repeated by an instance that started at the same time', async () => {
    tree.image('app', makeImage('one'), 'v1')
    const installed = await install()
    const [first, second] = [
      await openAdoption(installed, installed.repositories, silentLog),
      await openAdoption(installed, installed.repositories, silentLog),
    ]
    await first.run(new AbortController().signal)
    await installed.images.deleteTag('app', 'v1')
    await second.run(new AbortController().signal)
    await second.check()
    expect(await installed.images.tags('app', { last: '', limit: 10 })).toEqual([])
    for (const one of [first, second]) await one.close()
  })
})
