import { expect, test } from 'bun:test'
import { brokenOffAfter } from '../helpers/fake-incoming.ts'
import { describeRegistry, digestOf } from '../helpers/registry.ts'
import { patternOf, streamOf } from '../helpers/streams.ts'

describeRegistry('end-05: sending chunks', {}, (registry) => {
  const patch = (location: string, body: string, range?: string) =>
    registry.request('PATCH', location, { body, headers: range === undefined ? {} : { 'content-range': range } })

  async function sizeOf(location: string): Promise<string | null> {
    const answer = await registry.expect(204, 'GET', location)
    expect(answer.headers.get('location')).toBe(location)
    return answer.headers.get('range')
  }

  test('chunks in order are accepted one after the other, each answered with what is there', async () => {
    const location = await registry.upload('team/app')
    for (const [body, range, sum] of [
      ['0123', '0-3', '0-3'],
      ['45', '4-5', '0-5'],
      ['6789', '6-9', '0-9'],
    ] as const) {
      const answer = await patch(location, body, range)
      expect(answer.status).toBe(202)
      expect(answer.headers.get('range')).toBe(sum)
      expect(answer.headers.get('location')).toBe(location)
      expect(answer.headers.get('docker-upload-uuid')).toBe(location.split('/').at(-1)!)
      expect(answer.headers.get('content-length')).toBe('0')
    }
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('0123456789')}`)
  })

  for (const form of ['0-3', 'bytes 0-3', 'bytes=0-3', 'bytes 0-3/*', 'bytes 0-3/4']) {
    test(`Content-Range may be written "${form}"`, async () => {
      expect((await patch(await registry.upload('team/app'), '0123', form)).status).toBe(202)
    })
  }

  test('without Content-Range the bytes follow what is there, with and without a length', async () => {
    const location = await registry.upload('team/app')
    expect((await patch(location, 'ab')).headers.get('range')).toBe('0-1')
    const streamed = await registry.expect(202, 'PATCH', location, { body: streamOf('cd') })
    expect(streamed.headers.get('range')).toBe('0-3')
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('abcd')}`)
  })

  test('a chunk of nothing changes nothing, and zero bytes are said as 0-0', async () => {
    const location = await registry.upload('team/app')
    const answer = await patch(location, '')
    expect(answer.status).toBe(202)
    expect(answer.headers.get('range')).toBe('0-0')
    expect(await sizeOf(location)).toBe('0-0')
  })

  for (const [what, range, body] of [
    ['leaves a gap', '6-7', 'xx'],
    ['starts again', '0-3', '0123'],
    ['overlaps', '2-5', 'xxxx'],
    ['lies far ahead', '9007199254740991-9007199254740992', 'xx'],
    ['ends before it starts', '5-4', 'x'],
    ['is no range', 'x-y', 'x'],
    ['has no end', '4-', 'x'],
    ['is empty', '', 'x'],
    ['is a range of something else', 'items 4-4', 'x'],
  ] as const) {
    test(`a chunk whose Content-Range ${what} is refused; the answer says where to go on and the session lives`, async () => {
      const location = await registry.upload('team/app')
      await patch(location, '0123', '0-3')
      const answer = await patch(location, body, range)
      expect(answer.status).toBe(416)
      expect(answer.headers.get('location')).toBe(location)
      expect(answer.headers.get('range')).toBe('0-3')
      expect(((await answer.json()) as { errors: { code: string }[] }).errors[0]?.code).toBe('BLOB_UPLOAD_INVALID')
      expect(await sizeOf(location)).toBe('0-3')
      expect((await patch(location, '45', '4-5')).status).toBe(202)
      await registry.expect(201, 'PUT', `${location}?digest=${digestOf('012345')}`)
    })
  }

  test('with no byte stored yet, a refused chunk is answered without a Range that would say one is', async () => {
    const location = await registry.upload('team/app')
    const answer = await patch(location, 'xx', '1-2')
    expect(answer.status).toBe(416)
    expect(answer.headers.get('location')).toBe(location)
    expect(answer.headers.has('range')).toBe(false)
    expect((await patch(location, 'ab', '0-1')).status).toBe(202)
  })

  test('Content-Range and Content-Length that contradict each other are refused before a byte is stored', async () => {
    const location = await registry.upload('team/app')
    await registry.refused(400, 'SIZE_INVALID', 'PATCH', location, { body: 'abc', headers: { 'content-range': '0-9' } })
    expect(await sizeOf(location)).toBe('0-0')
  })

  test('a chunk without a length that has other bytes than announced is refused, and none of them stay', async () => {
    const location = await registry.upload('team/app')
    await registry.refused(400, 'SIZE_INVALID', 'PATCH', location, {
      body: streamOf('abc'),
      headers: { 'content-range': '0-9' },
    })
    expect((await patch(location, 'whole')).status).toBe(202)
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('whole')}`)
  })

  test('when the client breaks off, what arrived stays and can be gone on from', async () => {
    const location = await registry.upload('team/app')
    await registry.expect(202, 'PATCH', location, { body: '0123' })
    await registry.expect(400, 'PATCH', location, { body: brokenOffAfter('45') })
    expect(await sizeOf(location)).toBe('0-5')
    expect((await patch(location, '67', '6-7')).status).toBe(202)
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('01234567')}`)
  })

  test('a client that goes away in the middle is no failure of ours', async () => {
    const location = await registry.upload('team/app')
    const client = new AbortController()
    async function* body() {
      yield Buffer.from('0123')
      client.abort()
      yield Buffer.from('never read')
    }
    await registry.expect(400, 'PATCH', location, { body: body(), signal: client.signal })
    expect(await sizeOf(location)).toBe('0-3')
  })

  test('of two chunks sent at once for the same place one is accepted and one refused', async () => {
    const location = await registry.upload('team/app')
    const answers = await Promise.all([patch(location, 'aaaa', '0-3'), patch(location, 'bbbb', '0-3')])
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 416])
    const winner = answers[0]?.status === 202 ? 'aaaa' : 'bbbb'
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf(winner)}`)
  })

  test('two streams sent at once to one session follow each other whole', async () => {
    const location = await registry.upload('team/app')
    const [a, b] = [patternOf(200_000, 1), patternOf(200_000, 2)]
    await Promise.all([a, b].map((body) => registry.expect(202, 'PATCH', location, { body })))
    expect(await sizeOf(location)).toBe('0-399999')
    const ab = await registry.request('PUT', `${location}?digest=${digestOf(Buffer.concat([a, b]))}`)
    if (ab.status === 201) return
    const again = await registry.upload('team/app')
    await registry.expect(202, 'PATCH', again, { body: Buffer.concat([b, a]) })
    const { detail } = ((await ab.json()) as { errors: { detail: { received: string } }[] }).errors[0]!
    expect(detail.received).toBe(digestOf(Buffer.concat([b, a])))
  })

  test('an upload belongs to its image', async () => {
    const location = await registry.upload('team/app')
    const elsewhere = location.replace('/team/app/', '/team/other/')
    for (const method of ['PATCH', 'PUT', 'GET', 'DELETE']) {
      const target = method === 'PUT' ? `${elsewhere}?digest=${digestOf('x')}` : elsewhere
      await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', method, target)
    }
    expect(await sizeOf(location)).toBe('0-0')
  })

  for (const id of ['00000000-0000-4000-8000-000000000000', 'x', '%00', '..', '%2e%2e%2f', 'a'.repeat(300), "'--"]) {
    test(`there is no upload ${id.slice(0, 40)}`, async () => {
      for (const method of ['PATCH', 'PUT', 'GET', 'DELETE']) {
        await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', method, `/v2/team/app/blobs/uploads/${id}`)
      }
    })
  }
})
