import { expect, test } from 'bun:test'
import { brokenOffAfter } from '../helpers/fake-incoming.ts'
import { describeRegistry, digestOf } from '../helpers/registry.ts'
import { patternOf, streamOf } from '../helpers/streams.ts'

describeRegistry('end-06: closing an upload', {}, (registry) => {
  for (const algorithm of ['sha256', 'sha512']) {
    for (const [how, chunks, last] of [
      ['the whole blob', [], 'all of it'],
      ['nothing, after one chunk', ['all of it'], ''],
      ['the last of several chunks', ['all ', 'of '], 'it'],
      ['nothing at all', [], ''],
    ] as const) {
      test(`${algorithm}: PUT with ${how} creates the blob`, async () => {
        const content = [...chunks, last].join('')
        const digest = digestOf(content, algorithm)
        const location = await registry.upload('team/app')
        for (const chunk of chunks) await registry.expect(202, 'PATCH', location, { body: chunk })
        const options = last === '' ? {} : { body: last }
        const answer = await registry.expect(201, 'PUT', `${location}?digest=${encodeURIComponent(digest)}`, options)
        expect(answer.headers.get('location')).toBe(`/v2/team/app/blobs/${digest}`)
        expect(answer.headers.get('docker-content-digest')).toBe(digest)
        expect(answer.headers.get('content-length')).toBe('0')
        const got = await registry.expect(200, 'GET', answer.headers.get('location')!)
        expect(await got.text()).toBe(content)
        await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', 'GET', location)
      })
    }
  }

  test('parameters that a client found in the location or adds itself do not matter', async () => {
    const location = await registry.upload('team/app')
    await registry.expect(201, 'PUT', `${location}?_state=abc&digest=${digestOf('x')}&x=y`, { body: 'x' })
  })

  test('a body without a length, and an empty one without a length, are taken', async () => {
    const location = await registry.upload('team/app')
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('streamed')}`, { body: streamOf('streamed') })
    const empty = await registry.upload('team/app')
    await registry.expect(201, 'PUT', `${empty}?digest=${digestOf('')}`, { body: streamOf('') })
  })

  test('without a digest, or with none that is one, it is refused and the session lives', async () => {
    const location = await registry.upload('team/app')
    await registry.expect(202, 'PATCH', location, { body: 'kept' })
    for (const query of ['', '?digest=', '?digest=sha256:bad', '?digest=md5:0123', '?digest=%00']) {
      await registry.refused(400, 'DIGEST_INVALID', 'PUT', `${location}${query}`)
    }
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('kept')}`)
  })

  for (const chunked of [false, true]) {
    test(`a wrong digest after ${chunked ? 'chunks' : 'nothing'} is refused, ends the session and stores nothing`, async () => {
      const location = await registry.upload('team/wrong')
      if (chunked) await registry.expect(202, 'PATCH', location, { body: 'other ' })
      await registry.refused(400, 'DIGEST_INVALID', 'PUT', `${location}?digest=${digestOf('said')}`, { body: 'bytes' })
      await registry.expect(404, 'HEAD', `/v2/team/wrong/blobs/${digestOf('said')}`)
      await registry.expect(404, 'HEAD', `/v2/team/wrong/blobs/${digestOf(chunked ? 'other bytes' : 'bytes')}`)
      await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', 'GET', location)
    })
  }

  for (const range of ['6-9', '0-3', 'x', '7-4']) {
    test(`a last chunk with Content-Range ${range} after four bytes is refused; the session lives`, async () => {
      const location = await registry.upload('team/app')
      await registry.expect(202, 'PATCH', location, { body: '0123' })
      const target = `${location}?digest=${digestOf('01234567')}`
      const answer = await registry.expect(416, 'PUT', target, { body: '4567', headers: { 'content-range': range } })
      expect(answer.headers.get('location')).toBe(location)
      expect(answer.headers.get('range')).toBe('0-3')
      // The suite of the specification asks for the status under the address of the PUT.
      const status = await registry.expect(204, 'GET', target)
      expect(status.headers.get('range')).toBe('0-3')
      expect(status.headers.get('location')).toBe(location)
      await registry.expect(201, 'PUT', target, { body: '4567', headers: { 'content-range': '4-7' } })
    })
  }

  test('a PUT that breaks off is undone, and the same PUT from its first byte succeeds', async () => {
    const content = patternOf(300_000)
    const location = await registry.upload('team/app')
    const target = `${location}?digest=${digestOf(content)}`
    await registry.expect(400, 'PUT', target, { body: brokenOffAfter(content.slice(0, 100_000)) })
    const status = await registry.expect(204, 'GET', location)
    expect(status.headers.get('range')).toBe('0-0')
    await registry.expect(201, 'PUT', target, { body: content })
  })

  test('a PUT that breaks off after chunks leaves exactly the chunks', async () => {
    const location = await registry.upload('team/app')
    await registry.expect(202, 'PATCH', location, { body: '0123' })
    await registry.expect(400, 'PUT', `${location}?digest=${digestOf('01234567')}`, { body: brokenOffAfter('45') })
    expect((await registry.expect(204, 'GET', location)).headers.get('range')).toBe('0-3')
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('01234567')}`, { body: '4567' })
  })

  test('two sessions that end with the same digest both create it, also at once', async () => {
    const locations = await Promise.all(Array.from({ length: 4 }, () => registry.upload('team/app')))
    const target = (location: string) => `${location}?digest=${digestOf('shared')}`
    await Promise.all(locations.map((location) => registry.expect(201, 'PUT', target(location), { body: 'shared' })))
  })

  test('two PUTs at once close one session once', async () => {
    const location = await registry.upload('team/app')
    const target = `${location}?digest=${digestOf('once')}`
    const put = () => registry.request('PUT', target, { body: 'once' })
    const statuses = (await Promise.all([put(), put()])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([201, 404])
    await registry.expect(200, 'HEAD', `/v2/team/app/blobs/${digestOf('once')}`)
  })

  test('a blob alone makes no image: it is not listed and has no tags', async () => {
    await registry.blob('team/only-blobs', 'x')
    await registry.refused(404, 'NAME_UNKNOWN', 'GET', '/v2/team/only-blobs/tags/list')
  })
})
