import { expect, test } from 'bun:test'
import { describeRegistry, digestOf } from '../helpers/registry.ts'

describeRegistry('end-13: asking how far an upload is', {}, (registry) => {
  for (const [chunks, range] of [
    [[], '0-0'],
    [['x'], '0-0'],
    [['xy'], '0-1'],
    [['xy', 'z'.repeat(98)], '0-99'],
  ] as const) {
    test(`after ${chunks.length} chunks it is at ${range}`, async () => {
      const location = await registry.upload('team/app')
      for (const body of chunks) await registry.expect(202, 'PATCH', location, { body })
      for (const method of ['GET', 'HEAD']) {
        const answer = await registry.expect(204, method, location)
        expect(answer.headers.get('range')).toBe(range)
        expect(answer.headers.get('location')).toBe(location)
        expect(answer.headers.get('docker-upload-uuid')).toBe(location.split('/').at(-1)!)
        expect(answer.body).toBeNull()
      }
    })
  }

  test('a digest in the query is not asked and not answered', async () => {
    const location = await registry.upload('team/app')
    const answer = await registry.expect(204, 'GET', `${location}?digest=${digestOf('x')}`)
    expect(answer.headers.get('location')).toBe(location)
  })

  test('methods that an upload does not know are answered with those it does', async () => {
    const answer = await registry.expect(405, 'POST', await registry.upload('team/app'))
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT'])
  })
})
