import { expect, test } from 'bun:test'
import { describeRegistry, digestOf } from '../helpers/registry.ts'

const mount = (image: string, query: string) => `/v2/${image}/blobs/uploads/?${query}`

describeRegistry('end-11: mounting a blob', {}, (registry) => {
  for (const algorithm of ['sha256', 'sha512']) {
    for (const [what, from] of [
      ['from the image that has it', '&from=team/source'],
      ['from it under the name with its repository', '&from=private/team/source'],
      ['from wherever it is', ''],
    ] as const) {
      test(`${algorithm}: a blob is mounted ${what}`, async () => {
        const digest = await registry.blob('team/source', `mounted ${algorithm}${from}`, algorithm)
        const answer = await registry.expect(201, 'POST', mount('team/target', `mount=${digest}${from}`))
        expect(answer.headers.get('location')).toBe(`/v2/team/target/blobs/${digest}`)
        expect(answer.headers.get('docker-content-digest')).toBe(digest)
        await registry.expect(200, 'GET', answer.headers.get('location')!)
      })
    }
  }

  test('an encoded digest and name are the same digest and name', async () => {
    const digest = await registry.blob('team/source', 'encoded')
    const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent('team/source')}`
    await registry.expect(201, 'POST', mount('team/target', query))
  })

  test('after a mount each image has its own: deleting one leaves the other', async () => {
    const digest = await registry.blob('own/source', 'own')
    await registry.expect(201, 'POST', mount('own/target', `mount=${digest}&from=own/source`))
    await registry.expect(202, 'DELETE', `/v2/own/source/blobs/${digest}`)
    await registry.expect(404, 'HEAD', `/v2/own/source/blobs/${digest}`)
    await registry.expect(200, 'GET', `/v2/own/target/blobs/${digest}`)
  })

  test('a blob may be mounted from the very same image', async () => {
    const digest = await registry.blob('team/source', 'same')
    await registry.expect(201, 'POST', mount('team/source', `mount=${digest}&from=team/source`))
  })

  const present = digestOf('present')
  for (const [what, query] of [
    ['a missing blob', `mount=${digestOf('missing')}&from=team/source`],
    ['a missing blob from anywhere', `mount=${digestOf('missing')}`],
    ['from an image that is not there', `mount=${present}&from=nobody/there`],
    ['from what is no name', `mount=${present}&from=../../etc`],
    ['from what is no name, with NUL', `mount=${present}&from=a%00`],
    ['from nothing', `mount=${present}&from=`],
    ['what is no digest', 'mount=sha256:x&from=team/source'],
    ['nothing', 'mount=&from=team/source'],
    ['by an unknown algorithm', `mount=md5:${'a'.repeat(32)}&from=team/source`],
  ] as const) {
    test(`mounting ${what} starts an upload instead, which works`, async () => {
      await registry.blob('team/source', 'present')
      const location = await registry.upload('team/fallback', `?${query}`)
      await registry.expect(201, 'PUT', `${location}?digest=${digestOf('sent')}`, { body: 'sent' })
    })
  }

  test('a mount that fails and a digest in one request: the body is the blob', async () => {
    const digest = digestOf('body')
    await registry.expect(201, 'POST', mount('team/both', `mount=${digest}&from=nobody&digest=${digest}`), {
      body: 'body',
    })
  })
})

const twoStores = {
  blobStores: { other: { inmemory: {} } },
  repositories: [{ name: 'private' }, { name: 'team' }, { name: 'far', blobStore: 'other' }],
}
describeRegistry('end-11: mounting across repositories', twoStores, (registry) => {
  test('between repositories of one blob store a blob is mounted, with and without from', async () => {
    const digest = await registry.blob('team/source', 'near')
    await registry.expect(201, 'POST', mount('app', `mount=${digest}&from=team/source`))
    await registry.expect(201, 'POST', mount('app2', `mount=${digest}`))
    await registry.expect(201, 'POST', mount('team/x', `mount=${digest}&from=private/app`))
    for (const image of ['app', 'app2', 'team/x']) await registry.expect(200, 'GET', `/v2/${image}/blobs/${digest}`)
  })

  test('between blob stores it is uploaded, and both keep it', async () => {
    const digest = await registry.blob('team/source', 'apart')
    for (const query of [`?mount=${digest}&from=team/source`, `?mount=${digest}`]) {
      const location = await registry.upload('far/target', query)
      await registry.expect(404, 'HEAD', `/v2/far/target/blobs/${digest}`)
      await registry.expect(204, 'DELETE', location)
    }
    await registry.blob('far/target', 'apart')
    await registry.expect(202, 'DELETE', `/v2/team/source/blobs/${digest}`)
    const got = await registry.expect(200, 'GET', `/v2/far/target/blobs/${digest}`)
    expect(await got.text()).toBe('apart')
  })
})
