import { afterAll, describe, expect, test } from 'bun:test'
import { readFileSync, rmSync } from 'node:fs'
import type { Digest } from '../../src/content/digest.ts'
import type { AppError } from '../../src/errors.ts'
import { createOutbound } from '../../src/upstream/outbound.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { makeImage } from '../helpers/oci.ts'
import { makeCertificates } from '../helpers/openssl.ts'
import { temporaryFolder, Unavailable } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import type { Server } from '../helpers/registry-process.ts'
import { sha256Of } from '../helpers/streams.ts'
import { startTokenServer } from '../helpers/token-server.ts'
import { guardWith, upstreamAt } from '../helpers/upstream.ts'
import { startDockerRegistry } from '../services/docker-registry.ts'
import { startNginx } from '../services/nginx.ts'

const image = makeImage('upstream', {})
const [layer] = image.layers
const stops: (() => Promise<unknown>)[] = []
const folder = temporaryFolder('certificates')
afterAll(async () => {
  for (const stop of stops.reverse()) await stop()
  rmSync(folder, { recursive: true, force: true })
})
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable(),
    (error: AppError) => error,
  )
const missing = await startDockerRegistry().then(
  async (registry) => {
    await registry.stop()
    return undefined
  },
  (error) => {
    if (error instanceof Unavailable) return error.message
    throw error
  },
)

async function seeded(options: Parameters<typeof startDockerRegistry>[0] = {}): Promise<Server> {
  const registry = await startDockerRegistry(options)
  stops.push(() => registry.stop())
  const client = registryClient(registry)
  for (const tag of ['1', '2', '3']) await client.pushImage('library/centos', image, tag)
  await client.pushImage('team/app', image, 'v1')
  return registry
}

/** Everything an upstream can be asked for. */
async function useAll(far: Upstream): Promise<void> {
  const { manifest } = image
  await far.ping()
  expect(await far.manifest('centos', '1')).toMatchObject({
    status: 'found',
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    bytes: Buffer.from(manifest.bytes),
  })
  expect(await far.manifest('centos', manifest.digest, { method: 'HEAD' })).toMatchObject({
    digest: manifest.digest,
    size: manifest.bytes.length,
  })
  expect(await far.manifest('centos', '1', { method: 'HEAD', ifNoneMatch: manifest.digest as Digest })).toBe(
    'unchanged',
  )
  expect(await far.manifest('centos', 'no-such-tag')).toBeUndefined()
  expect(await far.manifest('no/such/image', '1')).toBeUndefined()
  const blob = await far.blob('centos', layer!.digest as Digest)
  expect(blob).toMatchObject({ size: layer!.bytes.length, start: 0 })
  expect(layer!.digest).toEndWith(await sha256Of(blob!.bytes))
  const rest = await far.blob('centos', layer!.digest as Digest, { from: 100 })
  const bytes = await Array.fromAsync(rest!.bytes)
  expect(Buffer.concat(bytes).equals(layer!.bytes.subarray(100))).toBe(true)
  expect(await far.blob('centos', `sha256:${'0'.repeat(64)}` as Digest)).toBeUndefined()
  const tags = await far.tags('centos')
  expect(tags?.entries.toSorted()).toEqual(['1', '2', '3'])
  const first = await far.catalog({ limit: 1 })
  expect(first?.entries).toEqual(['library/centos'])
  expect(await far.catalog({ next: first!.next })).toMatchObject({ entries: ['team/app'] })
  expect((await far.search('app', 5)).map(({ name }) => name)).toEqual(['team/app'])
  expect(await far.referrers('centos', manifest.digest as Digest)).toEqual({ entries: [], next: undefined })
  expect(far.state()).toMatchObject({ health: { state: 'ok', failures: 0 } })
}

describe.skipIf(missing !== undefined)(`docker-registry as upstream${missing ? `: ${missing}` : ''}`, () => {
  const libraryPrefix = 'always' as const

  test('open to everyone', async () => {
    const registry = await seeded()
    await useAll(upstreamAt(registry.url, { libraryPrefix }))
  }, 60_000)

  test('with a password file', async () => {
    const registry = await seeded({ auth: 'admin' })
    await useAll(upstreamAt(registry.url, { libraryPrefix, ...registry.credentials }))
    expect(await errorOf(upstreamAt(registry.url, { username: 'admin', password: 'wrong' }).ping())).toMatchObject({
      code: 'unauthenticated',
    })
    expect(await errorOf(upstreamAt(registry.url).ping())).toMatchObject({ code: 'unauthenticated' })
  }, 60_000)

  test('with tokens, by password and by identity token', async () => {
    const dataDir = temporaryFolder('token-data')
    stops.push(async () => rmSync(dataDir, { recursive: true, force: true }))
    const open = await startDockerRegistry({ dataDir })
    for (const tag of ['1', '2', '3']) await registryClient(open).pushImage('library/centos', image, tag)
    await registryClient(open).pushImage('team/app', image, 'v1')
    await open.stop()

    const certificates = await makeCertificates(folder)
    const account = { username: 'robot', password: 'pa:ss/word', identityToken: 'long-lived' }
    const tokens = startTokenServer({ certificates, issuer: 'test issuer', account })
    stops.push(() => tokens.stop())
    const token = {
      realm: tokens.realm,
      service: 'test service',
      issuer: 'test issuer',
      rootcertbundle: certificates.ca,
    }
    const registry = await startDockerRegistry({ dataDir, config: { auth: { token } } })
    stops.push(() => registry.stop())

    const { username, password, identityToken } = account
    await useAll(upstreamAt(registry.url, { libraryPrefix, username, password }))
    const asked = tokens.requests.map(({ scopes }) => scopes.join(' '))
    expect(asked).toContain('repository:library/centos:pull')
    expect(asked).toContain('registry:catalog:*')
    expect(new Set(asked).size).toBe(asked.length)
    expect(tokens.requests.every(({ service }) => service === 'test service')).toBe(true)
    await useAll(upstreamAt(registry.url, { libraryPrefix, identityToken }))
    expect(
      await errorOf(upstreamAt(registry.url, { username, password: 'wrong' }).manifest('team/app', 'v1')),
    ).toMatchObject({ code: 'unauthenticated' })
  }, 60_000)

  test('over TLS with an authority of its own, by name and address, through nginx under a path', async () => {
    const registry = await seeded()
    const certificates = await makeCertificates(folder, ['hub.test', '127.0.0.1'])
    const nginx = await startNginx({ upstream: registry.host, certificates, prefix: '/deep/path' })
    stops.push(() => nginx.stop())
    const ca = readFileSync(certificates.ca, 'utf8')
    const guard = guardWith({ 'hub.test': ['127.0.0.1'], 'wrong.test': ['127.0.0.1'] })
    const at = (host: string) => `https://${host}:${nginx.port}/deep/path`
    await useAll(upstreamAt(at('127.0.0.1'), { libraryPrefix, ca }))
    await useAll(upstreamAt(at('hub.test'), { libraryPrefix, ca }, { guard }))
    await useAll(upstreamAt(at('hub.test'), { libraryPrefix }, { guard, outbound: createOutbound({ ca }) }))
    await upstreamAt(at('wrong.test'), { insecure: true }, { guard }).ping()
    expect(await errorOf(upstreamAt(at('127.0.0.1')).ping())).toMatchObject({
      code: 'upstream-failed',
      detail: { reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
    })
    expect(await errorOf(upstreamAt(at('wrong.test'), { ca }, { guard }).ping())).toMatchObject({
      code: 'upstream-failed',
      detail: { reason: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  }, 60_000)
})
