import { beforeAll, describe, expect, test } from 'bun:test'
import {
  type Descriptor,
  describeRegistry,
  descriptorOf,
  digestOf,
  imageManifest,
  nextOf,
  type TestRegistry,
  types,
} from '../helpers/registry.ts'

interface Referrer extends Descriptor {
  artifactType?: string
  annotations?: Record<string, string>
}

async function referrersOf(registry: TestRegistry, target: string) {
  const answer = await registry.expect(200, 'GET', target)
  expect(answer.headers.get('content-type')).toBe(types.index)
  const { schemaVersion, mediaType, manifests } = (await answer.json()) as Record<string, unknown>
  expect({ schemaVersion, mediaType }).toEqual({ schemaVersion: 2, mediaType: types.index })
  return {
    manifests: manifests as Referrer[],
    filters: answer.headers.get('oci-filters-applied'),
    next: nextOf(answer),
  }
}

const byDigest = (a: Descriptor, b: Descriptor) => (a.digest < b.digest ? -1 : 1)
const target = (image: string, subject: string, query = '') => `/v2/${image}/referrers/${subject}${query}`

describeRegistry('end-12: listing referrers', {}, (registry) => {
  async function refer(image: string, subject: Descriptor, fields: object): Promise<Referrer> {
    await registry.blob(image, '{}')
    const value = {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: descriptorOf(types.empty, '{}'),
      layers: [],
      subject,
      ...fields,
    }
    const digest = await registry.manifest(image, value)
    return { mediaType: types.manifest, digest, size: Buffer.byteLength(JSON.stringify(value)) }
  }

  for (const image of ['nobody/pushed', 'known']) {
    for (const algorithm of ['sha256', 'sha512']) {
      test(`a subject that nothing refers to has an empty list, also in ${image}, by ${algorithm}`, async () => {
        await registry.image('known', { tag: 'x' })
        const list = await referrersOf(registry, target(image, digestOf('nothing', algorithm)))
        expect(list).toEqual({ manifests: [], filters: null, next: undefined })
      })
    }
  }

  test('HEAD answers the head of the list', async () => {
    const answer = await registry.expect(200, 'HEAD', target('known', digestOf('nothing')))
    expect(answer.headers.get('content-type')).toBe(types.index)
  })

  for (const subject of ['sha256:bad', 'latest', `md5:${'a'.repeat(32)}`, 'a'.repeat(64)]) {
    test(`${subject.slice(0, 30)} is no digest`, async () => {
      await registry.refused(400, 'DIGEST_INVALID', 'GET', target('known', subject))
    })
  }

  for (const algorithm of ['sha256', 'sha512']) {
    describe(`of a subject by ${algorithm}`, () => {
      const image = `of/${algorithm}`
      const subject = descriptorOf(types.manifest, JSON.stringify(imageManifest(image)), algorithm)
      let expected: Referrer[]
      beforeAll(async () => {
        // The first two come while the subject is not there.
        const signature = await refer(image, subject, {
          artifactType: 'application/sig',
          annotations: { by: 'me', '': 'ä' },
        })
        const sbom = await refer(image, subject, { artifactType: 'application/sbom+json' })
        await registry.image(image)
        await registry.manifest(image, imageManifest(image), { reference: subject.digest })
        const byConfig = await refer(image, subject, { annotations: { n: '3' } })
        const index = await registry.index(image, [], { extra: { subject } })
        const typedIndex = await registry.index(image, [], { extra: { subject, artifactType: 'application/sig' } })
        await refer(image, descriptorOf(types.manifest, 'another subject'), { artifactType: 'application/sig' })
        expected = [
          { ...signature, artifactType: 'application/sig', annotations: { by: 'me', '': 'ä' } },
          { ...sbom, artifactType: 'application/sbom+json' },
          { ...byConfig, artifactType: types.empty, annotations: { n: '3' } },
          index,
          { ...typedIndex, artifactType: 'application/sig' },
        ].sort(byDigest)
      })

      test('all of them are listed, with type, size, artifact type and annotations', async () => {
        const { manifests, filters } = await referrersOf(registry, target(image, subject.digest))
        expect(manifests).toEqual(expected)
        expect(filters).toBeNull()
      })

      for (const wanted of [
        ['application/sig'],
        ['application/sbom+json'],
        [types.empty],
        ['nothing/like-it'],
        ['application/sig', types.empty],
      ]) {
        test(`only ${wanted.join(' or ')}, and the answer says that it is filtered`, async () => {
          const query = `?${wanted.map((type) => `artifactType=${encodeURIComponent(type)}`).join('&')}`
          const { manifests, filters } = await referrersOf(registry, target(image, subject.digest, query))
          expect(manifests).toEqual(expected.filter(({ artifactType }) => wanted.includes(artifactType ?? '')))
          expect(filters).toBe('artifactType')
        })
      }

      test('an empty filter and unknown parameters filter nothing', async () => {
        const { manifests, filters } = await referrersOf(
          registry,
          target(image, subject.digest, '?artifactType=&x=y&ns=docker.io'),
        )
        expect(manifests).toEqual(expected)
        expect(filters).toBeNull()
      })

      for (const [n, filter] of [
        [1, ''],
        [2, ''],
        [4, ''],
        [5, ''],
        [1, '&artifactType=application/sig'],
      ] as const) {
        test(`pages of ${n} ${filter && 'with a filter '}come to all of them, in order`, async () => {
          const found: Referrer[] = []
          let next: string | undefined = target(image, subject.digest, `?n=${n}${filter}`)
          while (next !== undefined) {
            const page = await referrersOf(registry, next)
            expect(page.manifests.length).toBeGreaterThan(0)
            expect(page.filters).toBe(filter ? 'artifactType' : null)
            found.push(...page.manifests)
            next = page.next
          }
          expect(found).toEqual(expected.filter(({ artifactType }) => !filter || artifactType === 'application/sig'))
        })
      }

      test('deleting the subject keeps the list, deleting a referrer shortens it', async () => {
        await registry.expect(202, 'DELETE', `/v2/${image}/manifests/${subject.digest}`)
        expect((await referrersOf(registry, target(image, subject.digest))).manifests).toEqual(expected)
        await registry.expect(202, 'DELETE', `/v2/${image}/manifests/${expected[0]?.digest}`)
        expect((await referrersOf(registry, target(image, subject.digest))).manifests).toEqual(expected.slice(1))
      })
    })
  }

  test('children of an index are listed too', async () => {
    const subject = await registry.image('child')
    const child = await refer('child', subject, { artifactType: 'application/sig' })
    await registry.index('child', [child])
    const { manifests } = await referrersOf(registry, target('child', subject.digest))
    expect(manifests.map(({ digest }) => digest)).toEqual([child.digest])
  })

  test('referrers in another image are none here', async () => {
    const subject = await registry.image('here')
    await refer('there', subject, { artifactType: 'application/sig' })
    expect((await referrersOf(registry, target('here', subject.digest))).manifests).toEqual([])
  })

  test('a list too large for clients comes in pages, whatever n says', async () => {
    const subject = descriptorOf(types.manifest, 'large')
    for (let i = 0; i < 4; i++)
      await refer('large', subject, { annotations: { i: String(i), pad: 'x'.repeat(1_200_000) } })
    const first = await referrersOf(registry, target('large', subject.digest))
    expect(first.manifests.length).toBeLessThan(4)
    const second = await referrersOf(registry, first.next!)
    expect(first.manifests.length + second.manifests.length).toBe(4)
  })

  describe('in fallback tags', () => {
    for (const algorithm of ['sha256', 'sha512']) {
      test(`what clients listed under the tag of a ${algorithm} subject is listed as well, once, if it is there`, async () => {
        const image = `fallback/${algorithm}`
        const subject = descriptorOf(types.manifest, 'subject', algorithm)
        const listed = {
          ...(await registry.image(image, { seed: 'listed' })),
          artifactType: 'application/sig',
          annotations: { a: 'b' },
        }
        const both = {
          ...(await refer(image, subject, { artifactType: 'application/sbom' })),
          artifactType: 'application/sbom',
        }
        const gone = { ...(await registry.image(image, { seed: 'gone' })), artifactType: 'application/sig' }
        const tag = `${algorithm}-${subject.digest.split(':')[1]?.slice(0, 64)}`
        await registry.index(image, [listed, both, gone], { reference: tag })
        await registry.expect(202, 'DELETE', `/v2/${image}/manifests/${gone.digest}`)
        const all = [listed, both].sort(byDigest)
        expect((await referrersOf(registry, target(image, subject.digest))).manifests).toEqual(all)
        const filtered = await referrersOf(registry, target(image, subject.digest, '?artifactType=application/sig'))
        expect(filtered.manifests).toEqual([listed])
        const first = await referrersOf(registry, target(image, subject.digest, '?n=1'))
        const second = await referrersOf(registry, first.next!)
        expect([...first.manifests, ...second.manifests]).toEqual(all)
        expect(second.next).toBeUndefined()
      })
    }

    test('a tag of that form that is an image lists nothing', async () => {
      const subject = digestOf('plain')
      await registry.image('fallback/plain', { tag: subject.replace(':', '-') })
      expect((await referrersOf(registry, target('fallback/plain', subject))).manifests).toEqual([])
    })
  })

  for (const query of ['?n=-1', '?n=x', '?last=%00']) {
    test(`${query} is no page`, async () => {
      await registry.refused(400, 'PAGINATION_NUMBER_INVALID', 'GET', target('known', digestOf('x'), query))
    })
  }

  test('an artifact type that no database could compare is refused', async () => {
    await registry.refused(400, 'UNSUPPORTED', 'GET', target('known', digestOf('x'), '?artifactType=%00'))
  })
})
