import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { noise } from './noise.ts'
import { makeImage, noiseBlob } from './oci.ts'
import { registryClient } from './registry-client.ts'
import type { Server } from './registry-process.ts'
import { startServer } from './server.ts'

describe('the plain HTTP client', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ auth: 'admin' })
  })
  afterAll(() => server?.stop())

  test('pushes an image that it can pull byte for byte, list and delete', async () => {
    const client = registryClient(server)
    const image = makeImage('helper', { layerSize: 100_000 })
    await client.pushImage('helpers/one', image, 'v1')
    await client.verifyImage('helpers/one', image, 'v1')
    expect(await client.tags('helpers/one')).toEqual(['v1'])
    expect((await client.mount('helpers/two', image.config.digest, 'helpers/one')).status).toBe(201)
    expect((await client.delete('helpers/one', 'manifests', image.manifest.digest)).status).toBe(202)
    expect(await client.pullManifest('helpers/one', 'v1')).toBeUndefined()
  })

  test('pushes a blob in chunks and as a stream of unknown length', async () => {
    const client = registryClient(server)
    const chunked = noiseBlob('chunked', 100_000)
    expect((await client.pushBlobInChunks('helpers/blobs', chunked, 30_000)).status).toBe(201)
    const streamed = noise('streamed', 5_000_000)
    const { digest } = streamed
    expect((await client.pushBlob('helpers/blobs', { digest, stream: streamed.stream() })).status).toBe(201)
    expect(await client.verifyBlob('helpers/blobs', chunked.digest)).toBe(100_000)
    expect(await client.verifyBlob('helpers/blobs', digest)).toBe(5_000_000)
  })
})
