import { beforeAll, expect, test } from 'bun:test'
import { describeRegistry, digestOf, type TestRegistry, types } from '../helpers/registry.ts'

const settings = {
  repositories: [
    { name: 'private' },
    { name: 'team' },
    { name: 'all', type: 'group', members: ['private', 'team'], writableMember: 'private' },
  ],
}
const config = {
  created: '2026-01-02T03:04:05Z',
  os: 'linux',
  architecture: 'arm64',
  config: {
    Env: ['PATH=/bin'],
    Entrypoint: ['/app'],
    Cmd: ['serve'],
    Labels: { owner: 'ada' },
    ExposedPorts: { '80/tcp': {} },
  },
  history: [{ created_by: 'COPY app /app' }, { created_by: 'ENV X=1', empty_layer: true }],
  rootfs: { type: 'layers', diff_ids: [] },
}

/** Asks the API and reads its answer; the status must be this one. */
async function ask<T = Record<string, unknown>>(registry: TestRegistry, path: string, status = 200): Promise<T> {
  const response = await registry.app().handler(registry.incoming('GET', `/api/v1${path}`))
  expect(response.status).toBe(status)
  return (await response.json()) as T
}
const change = (registry: TestRegistry, method: string, path: string, body?: object) =>
  registry
    .app()
    .handler(
      registry.incoming(
        method,
        `/api/v1${path}`,
        { 'content-type': 'application/json' },
        body && { body: JSON.stringify(body) },
      ),
    )

describeRegistry('content in the API', settings, (registry) => {
  let digest = ''
  let index = ''
  const app = '/repositories/team/images/web%2Fapp'

  beforeAll(async () => {
    const text = JSON.stringify(config)
    await registry.blob('team/web/app', text)
    const layer = await registry.blob('team/web/app', 'a layer')
    const manifest = {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(text), size: text.length },
      layers: [{ mediaType: types.layer, digest: layer, size: 7 }],
      annotations: { 'org.opencontainers.image.title': 'Web' },
    }
    digest = await registry.manifest('team/web/app', manifest, { reference: '1.0' })
    const size = JSON.stringify(manifest).length
    const child = {
      mediaType: types.manifest,
      digest,
      size,
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    }
    index = (await registry.index('team/web/app', [child], { reference: 'latest' })).digest
    for (const tag of ['2.0', '2.1', '10']) await registry.image('team/web/app', { tag, seed: tag })
    await registry.image('team/web/worker', { tag: '1' })
    await registry.image('tools', { tag: '1' })
  })

  test('repositories are listed with what they are', async () => {
    const list = await ask<{ name: string }[]>(registry, '/repositories')
    expect(list.map(({ name }) => name)).toEqual(['all', 'private', 'team'])
    expect(list[0]).toMatchObject({ type: 'group', members: ['private', 'team'], writableMember: 'private' })
    expect(await ask(registry, '/repositories/private')).toMatchObject({ type: 'hosted', default: true })
    expect(await ask(registry, '/repositories/other', 404)).toMatchObject({ code: 'image-unknown' })
  })

  test('images are listed page by page, and found by a part of their name', async () => {
    const page = '/repositories/team/images?limit=1'
    expect(await ask<object[]>(registry, page)).toMatchObject([{ name: 'web/app', tags: 5 }])
    expect(await ask<object[]>(registry, `${page}&after=web/app`)).toMatchObject([{ name: 'web/worker', tags: 1 }])
    expect(await ask<object[]>(registry, '/repositories/team/images?search=work')).toMatchObject([
      { name: 'web/worker' },
    ])
    expect(await ask<object[]>(registry, '/repositories/all/images')).toMatchObject([
      { name: 'tools' },
      { name: 'web/app' },
      { name: 'web/worker' },
    ])
  })

  test('search looks in every repository, and puts what begins with the text first', async () => {
    expect(await ask<object[]>(registry, '/search?q=app')).toEqual([{ repository: 'team', image: 'web/app' }])
    expect(await ask<object[]>(registry, '/search?q=to')).toEqual([{ repository: 'private', image: 'tools' }])
    expect(await ask(registry, '/search?q=', 400)).toMatchObject({ code: 'request-invalid' })
  })

  test('tags have their digest and time, page by page', async () => {
    const tags = await ask<{ name: string; digest: string }[]>(registry, `${app}/tags`)
    expect(tags.map(({ name }) => name)).toEqual(['1.0', '10', '2.0', '2.1', 'latest'])
    expect(tags[0]).toMatchObject({ digest, mediaType: types.manifest })
    expect(await ask<object[]>(registry, `${app}/tags?search=2.`)).toMatchObject([{ name: '2.0' }, { name: '2.1' }])
    expect(await ask<object[]>(registry, `${app}/tags?limit=2&after=10`)).toMatchObject([
      { name: '2.0' },
      { name: '2.1' },
    ])
    const through = await ask<object[]>(registry, '/repositories/all/images/web%2Fapp/tags?limit=1')
    expect(through).toMatchObject([{ name: '1.0', digest }])
    const found = await ask<object[]>(registry, '/repositories/all/images/web%2Fapp/tags?search=2.')
    expect(found).toMatchObject([{ name: '2.0' }, { name: '2.1' }])
  })

  test('a manifest is decoded: layers, config, history', async () => {
    const found = await ask(registry, `${app}/manifests/1.0`)
    expect(found).toMatchObject({
      digest,
      kind: 'image',
      tags: ['1.0'],
      annotations: { 'org.opencontainers.image.title': 'Web' },
    })
    expect(found['layers']).toMatchObject([{ size: 7 }])
    expect(found['image']).toMatchObject({
      os: 'linux',
      architecture: 'arm64',
      env: ['PATH=/bin'],
      entrypoint: ['/app'],
      command: ['serve'],
      ports: ['80/tcp'],
      labels: { owner: 'ada' },
      history: [
        { by: 'COPY app /app', empty: false },
        { by: 'ENV X=1', empty: true },
      ],
    })
  })

  test('an index shows its platforms, and referrers are listed', async () => {
    expect(await ask(registry, `${app}/manifests/${index}`)).toMatchObject({
      kind: 'index',
      platforms: [{ digest, os: 'linux', architecture: 'arm64', variant: 'v8' }],
    })
    const empty = await registry.blob('team/web/app', '{}')
    const signature = {
      schemaVersion: 2,
      mediaType: types.manifest,
      artifactType: 'application/vnd.example.signature',
      config: { mediaType: types.empty, digest: empty, size: 2 },
      layers: [{ mediaType: types.empty, digest: empty, size: 2 }],
      subject: { mediaType: types.manifest, digest, size: 1 },
    }
    const signed = await registry.manifest('team/web/app', signature)
    expect((await ask(registry, `${app}/manifests/${digest}`))['referrers']).toMatchObject([
      { digest: signed, artifactType: 'application/vnd.example.signature' },
    ])
    expect(await ask(registry, `${app}/manifests/${signed}`)).toMatchObject({ kind: 'artifact', subject: { digest } })
  })

  test('a tag that moved or was deleted can be set back', async () => {
    const moved = await registry.image('team/web/app', { tag: '1.0', seed: 'moved' })
    expect((await change(registry, 'DELETE', `${app}/tags/1.0`)).status).toBe(204)
    expect((await change(registry, 'DELETE', `${app}/tags/1.0`)).status).toBe(404)
    const history = await ask<{ digest: string | null; kept: boolean }[]>(registry, `${app}/tags/1.0/history`)
    expect(history.map((one) => one.digest)).toEqual([null, moved.digest, digest])
    expect(history.map(({ kept }) => kept)).toEqual([false, true, true])
    expect((await change(registry, 'PUT', `${app}/tags/1.0`, { digest })).status).toBe(204)
    expect(await ask(registry, `${app}/manifests/1.0`)).toMatchObject({ digest })
  })

  test('a manifest is deleted by digest, with its tags', async () => {
    const gone = await registry.image('team/web/app', { tag: 'gone', seed: 'gone' })
    expect((await change(registry, 'DELETE', `${app}/manifests/gone`)).status).toBe(400)
    expect((await change(registry, 'DELETE', `${app}/manifests/${gone.digest}`)).status).toBe(204)
    await ask(registry, `${app}/manifests/gone`, 404)
    expect((await change(registry, 'PUT', `${app}/tags/gone`, { digest: gone.digest })).status).toBe(404)
  })

  test('blob stores say what they hold, and what could go', async () => {
    const [store] = await ask<{ blobs: number; bytes: number }[]>(registry, '/blob-stores')
    expect(store).toMatchObject({ name: 'default', healthy: true })
    expect(store?.blobs).toBeGreaterThan(5)
    expect((await ask<{ references: number }>(registry, '/gc')).references).toBeGreaterThan(5)
  })

  test('names that are none are refused', async () => {
    await ask(registry, '/repositories/team/images/Web/tags', 400)
    await ask(registry, '/repositories/team/images/..%2F..%2Fx/tags', 400)
    await ask(registry, `${app}/manifests/sha256:short`, 400)
  })

  test('where everyone may do everything, administration is open too, and accounts there are none', async () => {
    expect(await ask(registry, '/me')).toMatchObject({ kind: 'anonymous', admin: true })
    for (const path of ['/settings', '/upstreams', '/roles', '/jobs', '/health', '/identity']) await ask(registry, path)
    for (const path of ['/tokens', '/robots', '/users'])
      expect(await ask(registry, path, 403)).toMatchObject({ code: 'policy-refused' })
    expect((await change(registry, 'PUT', '/repositories/extra', {})).status).toBe(201)
    expect((await change(registry, 'DELETE', '/repositories/extra')).status).toBe(204)
  })
})
