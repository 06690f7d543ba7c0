import { beforeAll, describe, expect, test } from 'bun:test'
import { brokenOffAfter } from '../helpers/fake-incoming.ts'
import {
  configOf,
  describeRegistry,
  descriptorOf,
  digestOf,
  imageManifest,
  layerOf,
  type TestRegistry,
  types,
} from '../helpers/registry.ts'
import { streamOf } from '../helpers/streams.ts'

const path = (reference: string) => `/v2/team/app/manifests/${reference}`

/** Pushes what every manifest of these tests needs. */
async function pushContent(registry: TestRegistry) {
  for (const content of [configOf('app'), layerOf('app'), '{}']) await registry.blob('team/app', content)
}

const put = (registry: TestRegistry, reference: string, body: string | Uint8Array, type: string = types.manifest) =>
  registry.request('PUT', path(reference), { body, headers: { 'content-type': type } })

describeRegistry('end-07: putting a manifest', {}, (registry) => {
  beforeAll(() => pushContent(registry))

  describe('7a: by tag or digest', () => {
    const content = JSON.stringify(imageManifest('app'))

    for (const reference of ['v1', digestOf(content), digestOf(content, 'sha512'), '_', 'A.b-C_9', 'a'.repeat(128)]) {
      test(`PUT ${reference.slice(0, 20)} stores it and says its digest and location`, async () => {
        const answer = await put(registry, reference, content)
        expect(answer.status).toBe(201)
        const digest = digestOf(content, reference.startsWith('sha512') ? 'sha512' : 'sha256')
        expect(answer.headers.get('docker-content-digest')).toBe(digest)
        expect(answer.headers.get('location')).toBe(path(digest))
        expect(answer.headers.get('content-length')).toBe('0')
        for (const header of ['oci-subject', 'oci-tag']) expect(answer.headers.has(header)).toBe(false)
        for (const target of [answer.headers.get('location')!, path(reference)]) {
          const got = await registry.expect(200, 'GET', target)
          expect(got.headers.get('content-type')).toBe(types.manifest)
          expect(got.headers.get('docker-content-digest')).toBe(digest)
          expect(await got.text()).toBe(content)
        }
      })
    }

    test('the same manifest again is created again', async () => {
      for (const reference of ['again', 'again', digestOf(content), digestOf(content)]) {
        expect((await put(registry, reference, content)).status).toBe(201)
      }
    })

    for (const reference of ['sha256:baddigeststring', `sha256:${'A'.repeat(64)}`, 'a:b', `md5:${'a'.repeat(32)}`]) {
      test(`${reference.slice(0, 30)} is no digest`, async () => {
        await registry.refused(400, 'DIGEST_INVALID', 'PUT', path(reference), { body: content })
      })
    }

    for (const reference of ['.hidden', '-x', 'a'.repeat(129), 'a%20b', 'ä', 'a%2Fb', '%00', 'a+b', 'a@b']) {
      test(`${reference.slice(0, 20)} is no tag`, async () => {
        await registry.refused(400, 'TAG_INVALID', 'PUT', path(reference), { body: content })
      })
    }

    test('a digest of other bytes is refused, and nothing is stored', async () => {
      const other = digestOf('other')
      const { detail } = await registry.refused(400, 'DIGEST_INVALID', 'PUT', path(other), { body: content })
      expect(detail).toEqual({ expected: other, received: digestOf(content) })
      await registry.expect(404, 'HEAD', path(other))
    })

    test('bytes are kept as they came, blanks, unknown fields and large numbers included', async () => {
      const odd = `  {"unknown": 12345678901234567890.10, "schemaVersion":2,\n"config": ${JSON.stringify(descriptorOf(types.config, configOf('app')))},"layers":[] }\n`
      expect((await put(registry, 'odd', odd)).status).toBe(201)
      expect(await (await registry.expect(200, 'GET', path('odd'))).text()).toBe(odd)
    })
  })

  describe('7b: by digest with tags', () => {
    for (const algorithm of ['sha256', 'sha512']) {
      test(`${algorithm}: every tag of the query points to it and is named in OCI-Tag`, async () => {
        const content = JSON.stringify(imageManifest('app', { annotations: { algorithm } }))
        const digest = digestOf(content, algorithm)
        const tags = Array.from({ length: 12 }, (_, i) => `${algorithm}-${i}`)
        const answer = await put(registry, `${digest}?${tags.map((tag) => `tag=${tag}`).join('&')}`, content)
        expect(answer.status).toBe(201)
        expect(answer.headers.get('oci-tag')).toBe(tags.join(', '))
        for (const tag of tags) {
          const got = await registry.expect(200, 'HEAD', path(tag))
          expect(got.headers.get('docker-content-digest')).toBe(digest)
        }
      })
    }

    test('a tag named twice is a tag; one beside a tag in the path is one more', async () => {
      const content = JSON.stringify(imageManifest('app'))
      const answer = await put(registry, 'main?tag=beside&tag=beside', content)
      expect(answer.headers.get('oci-tag')).toBe('beside')
      for (const tag of ['main', 'beside']) await registry.expect(200, 'HEAD', path(tag))
    })

    test('one bad tag refuses all of it', async () => {
      const content = JSON.stringify(imageManifest('app', { annotations: { bad: 'tag' } }))
      const digest = digestOf(content)
      for (const bad of ['', 'a%2Fb', 'sha256%3Ax', '-']) {
        await registry.refused(400, 'TAG_INVALID', 'PUT', path(`${digest}?tag=good-one&tag=${bad}`), { body: content })
      }
      await registry.expect(404, 'HEAD', path(digest))
      await registry.expect(404, 'HEAD', path('good-one'))
    })

    test('more than 100 tags are too many', async () => {
      const content = JSON.stringify(imageManifest('app'))
      const tags = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join('&')
      await registry.refused(400, 'UNSUPPORTED', 'PUT', path(`${digestOf(content)}?${tags}`), { body: content })
    })
  })

  describe('what a manifest is', () => {
    const config = descriptorOf(types.config, configOf('app'))
    const layer = descriptorOf(types.layer, layerOf('app'))
    const empty = descriptorOf(types.empty, '{}')
    const missing = descriptorOf(types.layer, 'missing')
    const oci = { schemaVersion: 2, mediaType: types.manifest as string, config, layers: [layer] }

    const accepted: [string, object, string?][] = [
      ['without layers', { ...oci, layers: [] }],
      ['without mediaType', { ...oci, mediaType: undefined }],
      [
        'of an artifact with the empty config',
        { ...oci, artifactType: 'application/x', config: empty, layers: [empty] },
      ],
      [
        'of an artifact without layers',
        { schemaVersion: 2, mediaType: types.manifest, artifactType: 'a/b', config: empty },
      ],
      ['with a data field', { ...oci, config: { ...empty, data: 'e30=' } }],
      ['with unknown fields', { ...oci, 'org.example': { nested: [1, null] }, x: null }],
      ['with annotations of 10 kB', { ...oci, annotations: { a: 'x'.repeat(10_000), b: '' } }],
      ['with a missing subject', { ...oci, subject: missing }],
      ['with a platform in the config descriptor', { ...oci, config: { ...config, platform: { os: 'linux' } } }],
      [
        'with a layer compressed in any way',
        { ...oci, layers: [{ ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }] },
      ],
      [
        'with an OCI layer that may not be distributed and is not here',
        { ...oci, layers: [{ ...missing, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' }] },
      ],
      [
        'with a foreign Docker layer that is not here',
        {
          ...oci,
          mediaType: types.dockerManifest,
          layers: [
            {
              ...missing,
              mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
              urls: ['https://x.example/l'],
            },
          ],
        },
      ],
      ['with a layer that has urls', { ...oci, layers: [layer, { ...missing, urls: ['https://x.example/layer'] }] }],
      ['of Docker, schema 2', { ...oci, mediaType: types.dockerManifest }],
      [
        'of a Docker plugin',
        {
          ...oci,
          mediaType: types.dockerManifest,
          config: { ...config, mediaType: 'application/vnd.docker.plugin.v1+json' },
        },
      ],
      ['of a helm chart', { ...oci, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } }],
      [
        'of the withdrawn OCI artifact kind',
        { mediaType: 'application/vnd.oci.artifact.manifest.v1+json', artifactType: 'a/b', blobs: [layer] },
      ],
      ['of a kind nobody knows', { mediaType: 'application/vnd.example.thing.v1+json', anything: true }],
      ['that is an index of nothing', { schemaVersion: 2, mediaType: types.index, manifests: [] }],
      ['that is a Docker list of nothing', { schemaVersion: 2, mediaType: types.dockerList, manifests: [] }],
      [
        'that is a build cache: an index of blobs',
        {
          schemaVersion: 2,
          mediaType: types.index,
          manifests: [layer, { ...config, mediaType: 'application/vnd.buildkit.cacheconfig.v0' }],
        },
      ],
      ['whose type is told by the header alone', { schemaVersion: 2, manifests: [] }, types.index],
      ['whose header has parameters', oci, `${types.manifest}; charset=utf-8`],
      [
        'whose header is in capitals',
        { ...oci, mediaType: undefined, annotations: { of: 'capitals' } },
        types.manifest.toUpperCase(),
      ],
    ]
    for (const [index, [what, manifest, header]] of accepted.entries()) {
      test(`a manifest ${what} is accepted and answered as it is`, async () => {
        const type = header ?? (manifest as { mediaType?: string }).mediaType ?? types.manifest
        const content = JSON.stringify(manifest)
        const answer = await put(registry, `accepted-${index}`, content, type)
        expect([answer.status, await answer.text()]).toEqual([201, ''])
        const got = await registry.expect(200, 'GET', path(`accepted-${index}`))
        expect(got.headers.get('content-type')).toBe(type.split(';')[0]!)
        expect(await got.text()).toBe(content)
      })
    }

    for (const [header, manifest, type] of [
      ['application/json', oci, types.manifest],
      ['application/octet-stream', { schemaVersion: 2, mediaType: types.index, manifests: [] }, types.index],
      ['', { schemaVersion: 2, manifests: [] }, types.index],
      ['', { schemaVersion: 2, config, layers: [] }, types.manifest],
    ] as const) {
      test(`with Content-Type "${header}" the document tells its own kind, ${type}`, async () => {
        expect((await put(registry, 'own-kind', JSON.stringify(manifest), header)).status).toBe(201)
        const got = await registry.expect(200, 'HEAD', path('own-kind'))
        expect(got.headers.get('content-type')).toBe(type)
      })
    }

    const refused: [string, string | Uint8Array | object, string, string?][] = [
      ['that is empty', '', 'MANIFEST_INVALID'],
      ['that is no JSON', '<html>', 'MANIFEST_INVALID'],
      ['that is cut off', JSON.stringify(oci).slice(0, -1), 'MANIFEST_INVALID'],
      ['that is a list', '[]', 'MANIFEST_INVALID'],
      ['that is a text', '"x"', 'MANIFEST_INVALID'],
      ['that is null', 'null', 'MANIFEST_INVALID'],
      ['that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'MANIFEST_INVALID'],
      ['that starts with a byte order mark', `\uFEFF${JSON.stringify(oci)}`, 'MANIFEST_INVALID'],
      ['nested a million times', `{"a":${'['.repeat(1_000_000)}`, 'MANIFEST_INVALID'],
      ['of another type than its header', oci, 'MANIFEST_INVALID', types.index],
      [
        'of schema 1',
        { schemaVersion: 1, name: 'x', fsLayers: [] },
        'MANIFEST_INVALID',
        'application/vnd.docker.distribution.manifest.v1+prettyjws',
      ],
      [
        'of schema 1 without its type',
        { schemaVersion: 1, name: 'x', fsLayers: [] },
        'MANIFEST_INVALID',
        'application/json',
      ],
      ['of no recognisable kind', { a: 1 }, 'MANIFEST_INVALID', 'application/json'],
      ['whose mediaType is no text', { ...oci, mediaType: 1 }, 'MANIFEST_INVALID'],
      [
        'whose mediaType would break a header',
        { ...oci, mediaType: 'a/b\r\nx: y' },
        'MANIFEST_INVALID',
        'application/json',
      ],
      ['whose mediaType is not ASCII', { ...oci, mediaType: 'application/ä' }, 'MANIFEST_INVALID', 'application/json'],
      ['whose mediaType has NUL', { ...oci, mediaType: 'a/\0' }, 'MANIFEST_INVALID', 'application/json'],
      ['whose header is no media type', oci, 'MANIFEST_INVALID', 'manifest'],
      ['whose config type has NUL', { ...oci, config: { ...config, mediaType: 'a/\0' } }, 'MANIFEST_INVALID'],
      ['whose artifactType has NUL', { ...oci, artifactType: 'a/\0' }, 'MANIFEST_INVALID'],
      ['whose config is a list', { ...oci, config: [] }, 'MANIFEST_INVALID'],
      ['whose layers are an object', { ...oci, layers: {} }, 'MANIFEST_INVALID'],
      ['with a layer that is none', { ...oci, layers: [null] }, 'MANIFEST_INVALID'],
      ['with a layer without digest', { ...oci, layers: [{ mediaType: types.layer, size: 1 }] }, 'MANIFEST_INVALID'],
      ['with a layer with a bad digest', { ...oci, layers: [{ ...layer, digest: 'sha256:x' }] }, 'DIGEST_INVALID'],
      [
        'with a layer whose digest climbs',
        { ...oci, layers: [{ ...layer, digest: '../../etc/passwd' }] },
        'DIGEST_INVALID',
      ],
      ['with a layer of negative size', { ...oci, layers: [{ ...layer, size: -1 }] }, 'MANIFEST_INVALID'],
      ['with a layer of broken size', { ...oci, layers: [{ ...layer, size: 1.5 }] }, 'MANIFEST_INVALID'],
      ['with a layer without size', { ...oci, layers: [{ ...layer, size: undefined }] }, 'MANIFEST_INVALID'],
      ['with a subject without digest', { ...oci, subject: { size: 1 } }, 'MANIFEST_INVALID'],
      ['with annotations that are no texts', { ...oci, annotations: { a: 1 } }, 'MANIFEST_INVALID'],
      ['that is an image and an index', { ...oci, manifests: [] }, 'MANIFEST_INVALID'],
      ['that is an index and an image', { ...oci, mediaType: types.index, manifests: [] }, 'MANIFEST_INVALID'],
      [
        'that is an index with layers',
        { schemaVersion: 2, mediaType: types.dockerList, manifests: [], layers: [] },
        'MANIFEST_INVALID',
      ],
    ]
    for (const [what, manifest, code, header] of refused) {
      test(`a manifest ${what} is refused`, async () => {
        const body =
          typeof manifest === 'string' || manifest instanceof Uint8Array ? manifest : JSON.stringify(manifest)
        const headers = { 'content-type': header ?? types.manifest }
        const { message } = await registry.refused(400, code, 'PUT', path('refused'), { body, headers })
        expect(message.length).toBeGreaterThan(10)
        await registry.expect(404, 'HEAD', path('refused'))
      })
    }

    test('everything that is missing is named, one error each, and nothing is stored', async () => {
      const [one, two] = [descriptorOf(types.layer, 'one'), descriptorOf(types.config, 'two')]
      const body = JSON.stringify({ ...oci, config: two, layers: [layer, one, one] })
      const answer = await put(registry, 'incomplete', body)
      expect(answer.status).toBe(400)
      const { errors } = (await answer.json()) as { errors: { code: string; detail: { digest: string } }[] }
      expect(errors.map(({ code }) => code)).toEqual(['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_BLOB_UNKNOWN'])
      expect(errors.map(({ detail }) => detail.digest).sort()).toEqual([one.digest, two.digest].sort())
      await registry.expect(404, 'HEAD', path('incomplete'))
    })

    test('a blob of another image does not count as being there', async () => {
      await registry.blob('team/other', 'of other')
      const body = JSON.stringify({ ...oci, layers: [descriptorOf(types.layer, 'of other')] })
      await registry.refused(400, 'MANIFEST_BLOB_UNKNOWN', 'PUT', path('x'), {
        body,
        headers: { 'content-type': types.manifest },
      })
    })

    test('an image refused for what is missing does not come to exist', async () => {
      const body = JSON.stringify(oci)
      const headers = { 'content-type': types.manifest }
      await registry.refused(400, 'MANIFEST_BLOB_UNKNOWN', 'PUT', '/v2/team/never/manifests/v1', { body, headers })
      await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/never/tags/list')
    })

    test('an index of images, nested, with an attestation, is stored and its children stay reachable', async () => {
      const amd64 = await registry.image('team/multi', { seed: 'amd64' })
      const arm64 = await registry.image('team/multi', { seed: 'arm64' })
      const attestation = {
        ...(await registry.image('team/multi', { seed: 'attestation' })),
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: {
          'vnd.docker.reference.type': 'attestation-manifest',
          'vnd.docker.reference.digest': amd64.digest,
        },
      }
      const inner = await registry.index('team/multi', [amd64, arm64, attestation])
      const outer = await registry.index('team/multi', [inner, amd64], { reference: 'latest' })
      for (const { digest } of [amd64, arm64, attestation, inner, outer]) {
        await registry.expect(200, 'GET', `/v2/team/multi/manifests/${digest}`)
      }
    })

    test('an index whose child is nowhere is refused', async () => {
      const body = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [missing] })
      const headers = { 'content-type': types.index }
      await registry.refused(400, 'MANIFEST_BLOB_UNKNOWN', 'PUT', path('x'), { body, headers })
    })

    test('sha512 throughout: config, layer, manifest and index', async () => {
      const [c, l] = [configOf('512'), layerOf('512')]
      for (const content of [c, l]) await registry.blob('team/app', content, 'sha512')
      const value = {
        ...oci,
        config: descriptorOf(types.config, c, 'sha512'),
        layers: [descriptorOf(types.layer, l, 'sha512')],
      }
      const manifest = descriptorOf(types.manifest, JSON.stringify(value), 'sha512')
      expect((await put(registry, manifest.digest, JSON.stringify(value))).status).toBe(201)
      const index = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: [manifest] })
      expect((await put(registry, digestOf(index, 'sha512'), index, types.index)).status).toBe(201)
    })
  })

  describe('subjects', () => {
    test('a manifest with a subject is answered with it, whether the subject exists or not', async () => {
      for (const algorithm of ['sha256', 'sha512']) {
        const subject = descriptorOf(types.manifest, 'nowhere', algorithm)
        const answer = await put(registry, 'with-subject', JSON.stringify(imageManifest('app', { subject })))
        expect(answer.status).toBe(201)
        expect(answer.headers.get('oci-subject')).toBe(subject.digest)
      }
    })
  })

  describe('size', () => {
    const sized = (bytes: number) => {
      const bare = JSON.stringify(imageManifest('app', { annotations: { pad: '' } })).length
      return JSON.stringify(imageManifest('app', { annotations: { pad: 'x'.repeat(bytes - bare) } }))
    }
    const limit = 4 * 1024 * 1024

    for (const bytes of [3_900_000, limit]) {
      test(`${bytes} bytes are accepted, with and without a length, and answered whole`, async () => {
        const content = sized(bytes)
        for (const body of [content, streamOf(content)]) {
          const answer = await registry.request('PUT', path('large'), {
            body,
            headers: { 'content-type': types.manifest },
          })
          expect(answer.status).toBe(201)
        }
        const got = await registry.expect(200, 'GET', path('large'))
        expect(got.headers.get('content-length')).toBe(String(bytes))
        expect(digestOf(await got.bytes())).toBe(digestOf(content))
      })
    }

    test('one byte more is too much, announced or not', async () => {
      const content = sized(limit + 1)
      for (const body of [content, streamOf(content)]) {
        await registry.refused(413, 'MANIFEST_INVALID', 'PUT', path('too-large'), { body })
      }
    })

    test('a length that only claims to be too much is refused without reading', async () => {
      let isRead = false
      async function* body() {
        isRead = true
        yield Buffer.from('{}')
      }
      await registry.refused(413, 'MANIFEST_INVALID', 'PUT', path('too-large'), {
        body: body(),
        headers: { 'content-length': String(limit + 1) },
      })
      expect(isRead).toBe(false)
    })

    test('a body that breaks off stores nothing', async () => {
      await registry.expect(400, 'PUT', path('broken'), { body: brokenOffAfter(JSON.stringify(imageManifest('app'))) })
      await registry.expect(404, 'HEAD', path('broken'))
    })
  })
})

describeRegistry('end-07: without validation', { validation: { disabled: true } }, (registry) => {
  test('a manifest may name what is not here', async () => {
    await registry.manifest('team/sparse', imageManifest('nowhere'), { reference: 'v1' })
    await registry.expect(200, 'GET', '/v2/team/sparse/manifests/v1')
  })
})
