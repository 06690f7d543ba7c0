import { test } from 'bun:test'
import { describeRegistry, digestOf } from '../helpers/registry.ts'

describeRegistry('end-14: cancelling an upload', {}, (registry) => {
  for (const body of ['', 'some bytes']) {
    test(`an upload with "${body}" is gone after it`, async () => {
      const location = await registry.upload('team/app')
      if (body) await registry.expect(202, 'PATCH', location, { body })
      await registry.expect(204, 'DELETE', location)
      for (const method of ['GET', 'PATCH', 'DELETE'])
        await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', method, location)
      await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', 'PUT', `${location}?digest=${digestOf(body)}`, { body })
      await registry.expect(404, 'HEAD', `/v2/team/app/blobs/${digestOf(body)}`)
    })
  }

  test('other uploads of the image go on', async () => {
    const [one, two] = [await registry.upload('team/app'), await registry.upload('team/app')]
    await registry.expect(204, 'DELETE', one)
    await registry.expect(201, 'PUT', `${two}?digest=${digestOf('two')}`, { body: 'two' })
  })

  test('a finished upload cannot be cancelled, and its blob stays', async () => {
    const location = await registry.upload('team/app')
    await registry.expect(201, 'PUT', `${location}?digest=${digestOf('done')}`, { body: 'done' })
    await registry.refused(404, 'BLOB_UPLOAD_UNKNOWN', 'DELETE', location)
    await registry.expect(200, 'HEAD', `/v2/team/app/blobs/${digestOf('done')}`)
  })
})
