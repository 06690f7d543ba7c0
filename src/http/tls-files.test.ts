import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder, testAuthority, testCertificate, writePair } from '../../test/helpers/certificates.ts'
import { type CertifiedKey, makeServerCertificate } from '../commands/cert-authority.ts'
import { createLog, silentLog } from '../telemetry/log.ts'
import { loadTls, type TlsMaterial, watchTls } from './tls-files.ts'

const folder = temporaryFolder()
let authority: CertifiedKey
let one: CertifiedKey
let two: CertifiedKey
let files: { certificate: string; key: string }

beforeAll(async () => {
  authority = await testAuthority()
  one = await testCertificate(authority, 'one.example.com')
  two = await testCertificate(authority, 'two.example.com')
  files = writePair(folder.path, 'one', one)
})
afterAll(folder.remove)

const path = (name: string) => join(folder.path, name)

describe('loading certificate files', () => {
  test('gives what the listener needs, with version numbers', () => {
    const { options, warnings } = loadTls({ ...files, minimumTls: 'tls1.3' })
    expect(options).toMatchObject({ cert: one.certificate, key: one.key, minVersion: 0x0304 })
    expect(loadTls(files).options.minVersion).toBe(0x0303)
    expect(warnings).toEqual([])
  })

  test('refuses the key of another certificate, naming both files', () => {
    const other = writePair(folder.path, 'two', two)
    expect(() => loadTls({ certificate: files.certificate, key: other.key })).toThrow(
      `${other.key} is not the key of the certificate in ${files.certificate}`,
    )
  })

  test('refuses files that are missing or not PEM, naming them', () => {
    writeFileSync(path('der'), new Uint8Array([0x30, 0x82]))
    writeFileSync(path('garbled'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(() => loadTls({ ...files, certificate: path('absent') })).toThrow(path('absent'))
    expect(() => loadTls({ ...files, key: path('der') })).toThrow(/der is not PEM/)
    expect(() => loadTls({ ...files, certificate: path('garbled') })).toThrow(`cannot understand ${path('garbled')}`)
  })

  for (const mode of ['require-any-client-cert', 'verify-client-cert-if-given', 'nonsense'])
    test(`refuses the client authentication mode ${mode}, which could not be kept`, () => {
      expect(() => loadTls({ ...files, clientCas: [files.certificate], clientAuth: mode })).toThrow(mode)
    })

  test('asks for client CAs where client certificates are required', () => {
    expect(() => loadTls({ ...files, clientAuth: 'require-and-verify-client-cert' })).toThrow('clientcas')
    expect(loadTls({ ...files, clientCas: [files.certificate] }).options).toMatchObject({
      requestCert: true,
      rejectUnauthorized: true,
    })
  })

  test('translates the names of cipher suites', () => {
    const cipherSuites = [
      'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
      'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
      'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
      'TLS_RSA_WITH_AES_128_GCM_SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
    ]
    expect(loadTls({ ...files, cipherSuites }).options.ciphers?.split(':')).toEqual([
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-AES256-SHA',
      'AES128-GCM-SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
    ])
  })

  test('warns of a certificate that expired, will expire, or is not valid yet', async () => {
    const warning = (now: string) => loadTls(files, new Date(now)).warnings.join()
    const day = 86_400_000
    expect(warning(new Date(Date.now() + 31 * day).toISOString())).toContain('expired on')
    expect(warning(new Date(Date.now() + 20 * day).toISOString())).toContain('expires in 9 days')
    expect(warning('2020-01-01')).toContain('not valid before')
  })
})

describe('watching certificate files', () => {
  /** Watches with `poll` only or the folder's events too, and resolves `changed` with the next material. */
  function watching(settings: { certificate: string; key: string }) {
    const changes: TlsMaterial[] = []
    let wake = () => {}
    const lines: string[] = []
    const log = createLog({ stream: { write: (line) => lines.push(line) } })
    const watched = watchTls(
      settings,
      log,
      (material) => {
        changes.push(material)
        wake()
      },
      { settleMs: 50, pollSeconds: 0.1 },
    )
    const changed = () => new Promise<void>((resolve) => (wake = resolve))
    return { watched, changes, lines, changed }
  }

  test('uses a new pair once both files are there', async () => {
    const settings = writePair(folder.path, 'live', one)
    const { watched, changes, changed } = watching(settings)
    const change = changed()
    writePair(folder.path, 'live', two)
    await change
    expect(changes[0]?.options).toMatchObject({ cert: two.certificate, key: two.key })
    watched.close()
  })

  test('sees the link ..data of a mounted Kubernetes secret change', async () => {
    const mount = path('secret')
    for (const [version, pair] of [
      ['..v1', one],
      ['..v2', two],
    ] as const) {
      mkdirSync(join(mount, version), { recursive: true })
      writePair(join(mount, version), 'tls', pair)
    }
    symlinkSync('..v1', join(mount, '..data'))
    symlinkSync('..data/tls.crt', join(mount, 'tls.crt'))
    symlinkSync('..data/tls.key', join(mount, 'tls.key'))
    const { watched, changes, changed } = watching({ certificate: join(mount, 'tls.crt'), key: join(mount, 'tls.key') })
    const change = changed()
    symlinkSync('..v2', join(mount, '..data_tmp'))
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    await change
    expect(changes[0]?.options.cert).toBe(two.certificate)
    watched.close()
  })

  test('keeps the old pair when the new one does not fit, says so, and takes the next that does', async () => {
    const settings = writePair(folder.path, 'careful', one)
    const { watched, changes, lines } = watching(settings)
    writeFileSync(settings.certificate, two.certificate)
    expect(watched.reload()).toBe(false)
    expect(watched.material.options.cert).toBe(one.certificate)
    expect(lines.join('')).toMatch(/error .*old ones stay in use.*is not the key of/)
    writeFileSync(settings.key, two.key)
    expect(watched.reload()).toBe(true)
    expect(changes.map(({ options }) => options.cert)).toEqual([two.certificate])
    watched.close()
  })

  test('keeps the old pair when the listener refuses the new one', () => {
    const settings = writePair(folder.path, 'refused', one)
    const watched = watchTls(settings, silentLog, () => {
      throw new Error('the listener does not want it')
    })
    writePair(folder.path, 'refused', two)
    expect(watched.reload()).toBe(false)
    expect(watched.material.options.cert).toBe(one.certificate)
    watched.close()
  })

  test('does nothing when the files were only written again', () => {
    const settings = writePair(folder.path, 'same', one)
    const { watched, changes } = watching(settings)
    cpSync(settings.certificate, `${settings.certificate}.copy`)
    renameSync(`${settings.certificate}.copy`, settings.certificate)
    expect(watched.reload()).toBe(false)
    expect(changes).toEqual([])
    watched.close()
  })

  test('warns of a certificate about to expire when it is loaded', async () => {
    const settings = writePair(folder.path, 'expiring', await makeServerCertificate(authority, ['localhost'], 5))
    const { watched, lines } = watching(settings)
    expect(lines.join('')).toMatch(/warn .*expires in \d days/)
    watched.close()
  })
})
