import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCertificate } from '../../src/commands/cert.ts'
import { hashForHtpasswd } from '../../src/identity/passwords.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { buildSamples, writeSamples } from '../helpers/images.ts'
import { makeImage } from '../helpers/oci.ts'
import { temporaryFolder } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { whyNoPackages } from '../services/packages.ts'

/**
 * The variables of the well-known line
 *
 *     docker run -d -p 5000:5000 -v /data:/var/lib/registry -e REGISTRY_AUTH=htpasswd ... registry:2
 *
 * on the process. `dataDir`, which registry:2 does not know, is not set.
 */
const folder = temporaryFolder('drop-in')
const certificates = join(folder, 'certs')
const volume = join(folder, 'volume')
const htpasswd = join(folder, 'auth/htpasswd')
const ada = { username: 'ada', password: 'correct horse' }
let server: Server
let ca: string

beforeAll(async () => {
  await createCertificate({ names: ['localhost', '127.0.0.1'], out: certificates }, { out: () => {}, err: () => {} })
  ca = readFileSync(join(certificates, 'ca.crt'), 'utf8')
  mkdirSync(join(folder, 'auth'))
  writeFileSync(htpasswd, `ada:${await hashForHtpasswd(ada.password)}\n`)
  server = await startServer({
    dataDir: join(folder, 'unused'),
    env: {
      // Takes back what the helper says, so that only the variables of registry:2 count.
      ENTREPOT_DATADIR: '',
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'Registry Realm',
      REGISTRY_AUTH_HTPASSWD_PATH: htpasswd,
      REGISTRY_HTTP_TLS_CERTIFICATE: join(certificates, 'server.crt'),
      REGISTRY_HTTP_TLS_KEY: join(certificates, 'server.key'),
      REGISTRY_HTTP_SECRET: 'x',
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: volume,
    },
  })
}, 60_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function ask(path: string, { headers = {}, trusted = true }: { headers?: Record<string, string>; trusted?: boolean }) {
  return fetch(`${server.url}${path}`, { headers, keepalive: false, tls: trusted ? { ca } : {} })
}
const basic = (name: string, password: string) => ({ authorization: `Basic ${btoa(`${name}:${password}`)}` })

describe('the variables of registry:2', () => {
  test('give TLS that is good for those who know the CA, and for nobody else', async () => {
    expect((await ask('/v2/', {})).status).toBe(401)
    await expect(ask('/v2/', { trusted: false })).rejects.toThrow(/certificate|verify/i)
    await expect(fetch(server.url.replace('https:', 'http:'), { keepalive: false })).rejects.toThrow()
  })

  test('ask for a login with the configured realm', async () => {
    const response = await ask('/v2/', {})
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="Registry Realm"/)
    expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    expect(await response.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] })
  })

  test('let in whom the htpasswd file names, with their password only', async () => {
    expect((await ask('/v2/', { headers: basic(ada.username, ada.password) })).status).toBe(200)
    expect((await ask('/v2/', { headers: basic(ada.username, 'wrong') })).status).toBe(401)
    expect((await ask('/v2/', { headers: basic('eve', ada.password) })).status).toBe(401)
  })

  test('put the bytes where registry:2 puts them, and what is ours on the same volume', async () => {
    const client = registryClient({ url: server.url, credentials: ada })
    const image = makeImage('drop-in', { layerSize: 200_000 })
    await client.pushImage('team/app', image, '1.0')
    await client.verifyImage('team/app', image, '1.0')
    const { digest, bytes } = image.layers[0]!
    const hex = digest.slice('sha256:'.length)
    const file = join(volume, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    expect(readFileSync(file).equals(bytes)).toBe(true)
    expect(existsSync(join(volume, 'entrepot/entrepot.db'))).toBe(true)
    expect(existsSync(join(folder, 'unused/entrepot.db'))).toBe(false)
  })

  const reason = whyNoPackages()
  test.skipIf(reason !== undefined)(
    `serve skopeo with a login and strict TLS${reason ? ` (skipped: ${reason})` : ''}`,
    async () => {
      const caFolder = join(folder, 'trust')
      mkdirSync(caFolder)
      writeFileSync(join(caFolder, 'ca.crt'), ca)
      const skopeo = await openSkopeo({ caFolder })
      try {
        const samples = await buildSamples()
        writeSamples(folder, samples)
        await skopeo.login!(server.host, ada)
        const target = `${server.host}/team/skopeo:1`
        await skopeo.push(join(folder, 'two'), 'two', target)
        expect((await skopeo.pull(target)).configs).toEqual([samples.two.config.digest])
        expect(await skopeo.tags!(`${server.host}/team/skopeo`)).toEqual(['1'])
      } finally {
        await skopeo.close()
      }
    },
    120_000,
  )
})
