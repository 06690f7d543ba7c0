import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import {
  temporaryFolder,
  testAuthority,
  testCertificate,
  testClientCertificate,
  writePair,
} from '../../test/helpers/certificates.ts'
import { rawGet } from '../../test/helpers/raw-http.ts'
import type { CertifiedKey } from '../commands/cert-authority.ts'
import { silentLog } from '../telemetry/log.ts'
import { objectResponse } from './file-body.ts'
import type { Handler } from './incoming.ts'
import { type Listener, openListener } from './listener.ts'
import { loadTls, type TlsSettings } from './tls-files.ts'

const folder = temporaryFolder()
const large = join(folder.path, 'large')
const size = 50_000_000
let authority: CertifiedKey
let first: { certificate: string; key: string }
let second: { certificate: string; key: string }
let knownClient: { certificate: string; key: string }

beforeAll(async () => {
  authority = await testAuthority()
  first = writePair(folder.path, 'first', await testCertificate(authority, 'first.example.com'))
  second = writePair(folder.path, 'second', await testCertificate(authority, 'second.example.com'))
  knownClient = writePair(folder.path, 'client', await testClientCertificate('known'))
  writeFileSync(large, new Uint8Array(size))
})
afterAll(folder.remove)

const handler: Handler = (incoming) =>
  incoming.path === '/large'
    ? objectResponse(
        incoming,
        { size, localFile: large, read: () => Promise.reject(new Error('not needed')) },
        new Headers(),
      )
    : Response.json(incoming.origin.scheme)

async function open(settings: Partial<TlsSettings> = {}, addr = '127.0.0.1:0'): Promise<Listener> {
  return openListener({ addr, handler, trust: [], log: silentLog, tls: loadTls({ ...first, ...settings }) })
}

interface Handshake {
  subject: string
  protocol: string | null
  cipher: string
}

/** Shakes hands and tells what was seen; undefined when it was refused. */
function shakeHands(port: number, options: object = {}): Promise<Handshake | undefined> {
  return new Promise((resolve) => {
    const socket = connectTls(
      { host: '127.0.0.1', port, ca: authority.certificate, servername: 'localhost', ...options },
      () => {
        const seen = {
          subject: String(socket.getPeerCertificate().subject.CN),
          protocol: socket.getProtocol(),
          cipher: socket.getCipher().name,
        }
        socket.destroy()
        resolve(seen)
      },
    )
    socket.on('error', () => resolve(undefined))
  })
}

const get = (port: number, path = '/', tls: object = {}) =>
  fetch(`https://localhost:${port}${path}`, { keepalive: false, tls: { ca: authority.certificate, ...tls } })

describe('a TLS listener', () => {
  test('serves https under the certificate it was given', async () => {
    const listener = await open()
    expect(listener.address).toBe(`https://127.0.0.1:${listener.port}`)
    expect(await (await get(listener.port)).json()).toBe('https')
    expect((await shakeHands(listener.port))?.subject).toBe('first.example.com')
    await listener.stop(0)
  })

  test('keeps to the minimum version', async () => {
    const listener = await open({ minimumTls: 'tls1.3' })
    expect(await shakeHands(listener.port, { maxVersion: 'TLSv1.2' })).toBeUndefined()
    expect((await shakeHands(listener.port))?.protocol).toBe('TLSv1.3')
    await listener.stop(0)
  })

  test('refuses what is older than TLS 1.2 by default', async () => {
    const listener = await open()
    expect(await shakeHands(listener.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).toBeUndefined()
    expect((await shakeHands(listener.port, { maxVersion: 'TLSv1.2' }))?.protocol).toBe('TLSv1.2')
    await listener.stop(0)
  })

  test('keeps to the cipher suites, named as Go names them', async () => {
    const listener = await open({ cipherSuites: ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'] })
    expect((await shakeHands(listener.port, { maxVersion: 'TLSv1.2' }))?.cipher).toBe('ECDHE-ECDSA-AES256-GCM-SHA384')
    const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }
    expect(await shakeHands(listener.port, other)).toBeUndefined()
    await listener.stop(0)
  })

  test('lets in only clients with a certificate of its client CA', async () => {
    const listener = await open({ clientCas: [knownClient.certificate] })
    const known = { cert: await Bun.file(knownClient.certificate).text(), key: await Bun.file(knownClient.key).text() }
    const stranger = await testClientCertificate('stranger')
    const unknown = { cert: stranger.certificate, key: stranger.key }
    expect(await (await get(listener.port, '/', known)).json()).toBe('https')
    await expect(get(listener.port)).rejects.toThrow()
    await expect(get(listener.port, '/', unknown)).rejects.toThrow()
    await listener.stop(0)
  })

  test('closes a connection that speaks plain HTTP, without an answer', async () => {
    const listener = await open()
    expect((await rawGet(listener.port, '/')).text).toBe('')
    await listener.stop(0)
  })

  test('does not share its port with a stranger', async () => {
    const listener = await open()
    await expect(open({}, `127.0.0.1:${listener.port}`)).rejects.toThrow('another process already listens')
    await listener.stop(0)
  })

  test('keeps the old certificate when the new one is refused', async () => {
    const listener = await open()
    const broken = loadTls(second)
    broken.options.key = 'nonsense'
    expect(() => listener.replaceTls(broken)).toThrow()
    expect((await shakeHands(listener.port))?.subject).toBe('first.example.com')
    await listener.stop(0)
  })

  test('changes certificates under load: no request fails, downloads finish, new connections see the new one', async () => {
    const listener = await open()
    const download = await get(listener.port, '/large')
    let isRunning = true
    let served = 0
    const client = async () => {
      for (; isRunning; served++) expect(await (await get(listener.port)).json()).toBe('https')
    }
    const clients = [client(), client(), client(), client()]
    for (const [pair, subject] of [
      [second, 'second.example.com'],
      [first, 'first.example.com'],
      [second, 'second.example.com'],
    ] as const) {
      await Bun.sleep(100)
      listener.replaceTls(loadTls(pair))
      const seen = await Promise.all(Array.from({ length: 8 }, () => shakeHands(listener.port)))
      expect(new Set(seen.map((one) => one?.subject))).toEqual(new Set([subject]))
    }
    await Bun.sleep(1300)
    isRunning = false
    await Promise.all(clients)
    expect(served).toBeGreaterThan(10)
    expect((await download.bytes()).length).toBe(size)
    expect(await listener.stop(2000)).toBe(0)
  }, 20_000)
})

test('a client CA file that is not there is named', () => {
  expect(() => loadTls({ ...first, clientCas: [`${first.certificate}.missing`] })).toThrow(
    `${first.certificate}.missing`,
  )
})
