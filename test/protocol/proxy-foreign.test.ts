import { afterEach, describe, expect, test } from 'bun:test'
import { blobOf, descriptorOf, type Image, manifestOf, mediaTypes, noiseBlob } from '../helpers/oci.ts'
import { openProxyLab, type ProxyLab, startToyUpstream, type ToyUpstream } from '../helpers/proxy-lab.ts'
import { type RudeAnswer, type RudeUpstream, rangeStart, respond, startRudeUpstream } from '../helpers/rude-upstream.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

const foreignType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
const layer = noiseBlob('foreign layer', 2_000_000)
const size = layer.bytes.length

interface Parts {
  far: ToyUpstream
  elsewhere: RudeUpstream
  proxy: ProxyLab
}

/** A proxy of a registry that has an image whose layer lies on another host, under `/layer`. */
async function lab(
  answer: RudeAnswer,
  { upstream = {}, allow = ['127.0.0.1'], path = '/layer', told = size } = {},
): Promise<Parts> {
  const far = await startToyUpstream()
  open.push(far)
  const elsewhere = await startRudeUpstream(answer)
  open.push(elsewhere)
  const proxy = await openProxyLab(far.url, { upstream, more: { outbound: { allow } } })
  open.push(proxy)
  far.put('app', imageOf([`${elsewhere.url}${path}`], told), '1')
  expect((await proxy.get('/v2/app/manifests/1')).status).toBe(200)
  return { far, elsewhere, proxy }
}

function imageOf(urls: string[], told: number): Image {
  const config = blobOf('{"os":"windows","architecture":"amd64"}')
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: descriptorOf(config, mediaTypes.dockerConfig),
    layers: [{ ...descriptorOf(layer, foreignType), size: told, urls }],
  })
  return { manifest, config, layers: [] }
}

const serve: RudeAnswer = (socket, request) => {
  if (request.path !== '/layer') return respond(socket, 404)
  const start = rangeStart(request)
  const range = start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {}
  respond(socket, start > 0 ? 206 : 200, range, layer.bytes.subarray(start))
}
const blobPath = `/v2/app/blobs/${layer.digest}`
const fetching = { foreignLayers: 'fetch' }
const messageOf = async (answer: Response) =>
  ((await answer.json()) as { errors: { message: string }[] }).errors[0]!.message

describe('a layer that lives elsewhere', () => {
  test('is left to the client, who has its URLs', async () => {
    const { elsewhere, proxy } = await lab(serve)
    const manifest = await (await proxy.get('/v2/app/manifests/1')).json()
    expect((manifest as { layers: { urls: string[] }[] }).layers[0]!.urls).toEqual([`${elsewhere.url}/layer`])
    expect((await proxy.get(blobPath)).status).toBe(404)
    expect(elsewhere.requests).toEqual([])
  })

  test('is fetched once and kept where that is wanted', async () => {
    const { far, elsewhere, proxy } = await lab(serve, { upstream: fetching })
    const head = await proxy.get(blobPath, {}, 'HEAD')
    expect(head.status).toBe(200)
    const answers = await Promise.all([1, 2, 3].map(() => proxy.get(blobPath)))
    for (const answer of answers) expect(Buffer.compare(await answer.bytes(), layer.bytes)).toBe(0)
    expect(elsewhere.requests.filter(({ method }) => method === 'GET').length).toBe(1)
    expect(elsewhere.requests[0]!.headers['authorization']).toBeUndefined()
    far.rude = (socket) => {
      socket.destroy()
      return true
    }
    expect(Buffer.compare(await (await proxy.get(blobPath)).bytes(), layer.bytes)).toBe(0)
    expect(elsewhere.requests.length).toBe(1)
  })

  test('goes on where it broke off', async () => {
    const { elsewhere, proxy } = await lab(
      (socket, request) => {
        if (rangeStart(request) > 0) return serve(socket, request)
        respond(socket, 200, { 'content-length': String(size) })
        socket.end(layer.bytes.subarray(0, 700_000))
      },
      { upstream: fetching },
    )
    expect(Buffer.compare(await (await proxy.get(blobPath)).bytes(), layer.bytes)).toBe(0)
    expect(elsewhere.requests.length).toBe(2)
  })

  test('is not fetched from a private address unless that is allowed', async () => {
    const { elsewhere, proxy } = await lab(serve, { upstream: fetching, allow: [] })
    const answer = await proxy.get(blobPath)
    expect(answer.status).toBe(403)
    expect(await messageOf(answer)).toBe(
      'outbound requests may not reach 127.0.0.1, a private address; add it to outbound.allow if it has to be',
    )
    expect(elsewhere.requests).toEqual([])
  })

  test('is not fetched from where a redirect leads to the metadata service', async () => {
    const { proxy } = await lab(
      (socket) => respond(socket, 302, { location: 'http://169.254.169.254/latest/meta-data/' }),
      { upstream: fetching },
    )
    const answer = await proxy.get(blobPath)
    expect(answer.status).toBe(403)
    expect(await messageOf(answer)).toContain('may not reach 169.254.169.254')
  })

  test('with other bytes than those of its digest is not kept', async () => {
    const wrong = Buffer.from(layer.bytes)
    wrong[5]! ^= 1
    const { proxy } = await lab((socket) => respond(socket, 200, {}, wrong), { upstream: fetching })
    const answer = await proxy.get(blobPath)
    await expect(answer.bytes()).rejects.toThrow('sent other bytes')
    expect(await proxy.app.db.queries.selectFrom('blob_links').selectAll().execute()).toEqual([])
  })

  test('of another size than the manifest says is refused', async () => {
    const { proxy } = await lab(serve, { upstream: fetching, told: 1000 })
    const answer = await proxy.get(blobPath)
    expect(answer.status).toBe(502)
    expect(await messageOf(answer)).toContain('another size than the manifest says')
  })

  test('that is nowhere any more is told as absent', async () => {
    const { proxy } = await lab(serve, { upstream: fetching, path: '/gone' })
    expect((await proxy.get(blobPath)).status).toBe(404)
  })

  test('is not had from the store because a manifest says that it lives elsewhere', async () => {
    const { far, elsewhere, proxy } = await lab(serve, { upstream: fetching, path: '/gone' })
    const secret: Image = { ...imageOf([], size), layers: [layer] }
    far.put('secret', secret, '1')
    expect(Buffer.compare(await (await proxy.get(`/v2/secret/blobs/${layer.digest}`)).bytes(), layer.bytes)).toBe(0)
    expect((await proxy.get(blobPath)).status).toBe(404)
    expect(elsewhere.requests.length).toBe(1)
  })
})
