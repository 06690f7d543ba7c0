import { beforeAll, describe, expect, test } from 'bun:test'
import { randomNames } from '../helpers/names.ts'
import {
  allPages,
  configOf,
  describeRegistry,
  digestOf,
  imageManifest,
  layerOf,
  nextOf,
  types,
} from '../helpers/registry.ts'

const byteOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

describeRegistry('end-08: listing tags', { tags: { maxtags: 50 } }, (registry) => {
  async function pushTags(image: string, tags: string[]) {
    await registry.blob(image, configOf('app'))
    await registry.blob(image, layerOf('app'))
    const body = JSON.stringify(imageManifest('app'))
    for (let start = 0; start < tags.length; start += 100) {
      const query = tags
        .slice(start, start + 100)
        .map((tag) => `tag=${tag}`)
        .join('&')
      const headers = { 'content-type': types.manifest }
      await registry.expect(201, 'PUT', `/v2/${image}/manifests/${digestOf(body)}?${query}`, { body, headers })
    }
  }
  async function list(target: string) {
    const answer = await registry.expect(200, 'GET', target)
    expect(answer.headers.get('content-type')).toBe('application/json')
    return { ...((await answer.json()) as { name: string; tags: string[] }), next: nextOf(answer) }
  }

  describe('an image with some tags', () => {
    const sorted = ['0', '1.10', '1.2', '1.9', 'A', 'Z', '_', 'a', 'a-b', 'a.b', 'aB', 'a_b', 'ab', 'z'].sort(byteOrder)
    beforeAll(() => pushTags('team/app', [...sorted].reverse()))

    test('lists them in the order of their bytes', async () => {
      expect(await list('/v2/team/app/tags/list')).toEqual({ name: 'team/app', tags: sorted, next: undefined })
    })

    test('HEAD answers the length', async () => {
      const length = (await registry.expect(200, 'GET', '/v2/team/app/tags/list')).headers.get('content-length')
      const answer = await registry.expect(200, 'HEAD', '/v2/team/app/tags/list')
      expect(answer.headers.get('content-length')).toBe(length)
    })

    test('n cuts the page and a Link leads to the next one', async () => {
      const page = await list('/v2/team/app/tags/list?n=3')
      expect(page.tags).toEqual(sorted.slice(0, 3))
      expect(page.next).toBe(`/v2/team/app/tags/list?n=3&last=${encodeURIComponent(sorted[2]!)}`)
    })

    for (const last of [...sorted, '', '1', 'a+', 'aa', 'zzz', '~', '%F0%9F%98%80', "a'--"]) {
      test(`last=${last} gives what comes after it, whether it exists or not`, async () => {
        const { tags } = await list(
          `/v2/team/app/tags/list?last=${last.startsWith('%') ? last : encodeURIComponent(last)}`,
        )
        expect(tags).toEqual(sorted.filter((tag) => byteOrder(tag, decodeURIComponent(last)) > 0))
      })
    }

    test('an exactly full last page has no Link', async () => {
      expect((await list(`/v2/team/app/tags/list?n=${sorted.length}`)).next).toBeUndefined()
    })

    test('n=0 is an empty page without a Link', async () => {
      expect(await list('/v2/team/app/tags/list?n=0')).toEqual({ name: 'team/app', tags: [], next: undefined })
    })

    for (const n of ['-1', 'x', '', '1.5', '1e3', '0x10', '%2B1', '9'.repeat(30), '%00']) {
      test(`n=${n} is no number of entries`, async () => {
        await registry.refused(400, 'PAGINATION_NUMBER_INVALID', 'GET', `/v2/team/app/tags/list?n=${n}`)
      })
    }

    test('a last that no database could compare is refused', async () => {
      await registry.refused(400, 'PAGINATION_NUMBER_INVALID', 'GET', '/v2/team/app/tags/list?last=a%00b')
    })

    for (const n of [1, 2, 5, 13, 14, 50]) {
      test(`following Links with n=${n} yields every tag once, in order`, async () => {
        const pages = await allPages(registry, `/v2/team/app/tags/list?n=${n}`, 'tags')
        expect(pages.flat()).toEqual(sorted)
        expect(pages.slice(0, -1).every((page) => page.length === n)).toBe(true)
      })
    }

    test('behind a prefix Links have the prefix', async () => {
      const answer = await registry.request('GET', '/v2/team/app/tags/list?n=1', { origin: { prefix: '/registry' } })
      expect(nextOf(answer)).toBe('/registry/v2/team/app/tags/list?n=1&last=0')
    })
  })

  for (const seed of [1, 2, 3]) {
    test(`random tags that begin like each other come out whole and in order, page by page (seed ${seed})`, async () => {
      const tags = randomNames(seed, 137, 'aAb0._-', 6).filter((tag) => /^\w/.test(tag))
      await pushTags(`random/${seed}`, tags)
      const sorted = [...new Set(tags)].sort(byteOrder)
      for (const n of [1, 7, 49, 50]) {
        expect((await allPages(registry, `/v2/random/${seed}/tags/list?n=${n}`, 'tags')).flat()).toEqual(sorted)
      }
      // Without n, and with more than the largest page, pages have the largest size.
      for (const query of ['', '?n=1000']) {
        const pages = await allPages(registry, `/v2/random/${seed}/tags/list${query}`, 'tags')
        expect(pages.flat()).toEqual(sorted)
        expect(pages[0]).toHaveLength(50)
      }
    })
  }

  test('an image with a manifest and no tag has an empty list, never null', async () => {
    await registry.image('team/untagged')
    expect(await list('/v2/team/untagged/tags/list')).toEqual({ name: 'team/untagged', tags: [], next: undefined })
  })

  test('an image that is not there is unknown', async () => {
    await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/nothing/tags/list')
  })

  test('an image is there as long as it has a manifest: blobs alone make none', async () => {
    await registry.blob('team/blobs', 'x')
    await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/blobs/tags/list')
  })

  test('digests are never listed as tags', async () => {
    const { digest } = await registry.image('team/mixed', { tag: 'only' })
    await registry.expect(200, 'GET', `/v2/team/mixed/manifests/${digest}`)
    expect((await list('/v2/team/mixed/tags/list')).tags).toEqual(['only'])
  })

  test('the name in the answer is the one in the request', async () => {
    await registry.image('named', { tag: 'x' })
    expect((await list('/v2/named/tags/list')).name).toBe('named')
    expect((await list('/v2/private/named/tags/list')).name).toBe('private/named')
  })
})
