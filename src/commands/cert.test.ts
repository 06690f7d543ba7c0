import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../test/helpers/certificates.ts'
import { openListener } from '../http/listener.ts'
import { loadTls } from '../http/tls-files.ts'
import { silentLog } from '../telemetry/log.ts'
import { type CertificateOptions, createCertificate } from './cert.ts'

let folder: ReturnType<typeof temporaryFolder>
let out: string
beforeEach(() => {
  folder = temporaryFolder()
  out = join(folder.path, 'certs')
})
afterEach(() => folder.remove())

async function run(options: Partial<CertificateOptions>) {
  const said = { code: 0, out: '', err: '' }
  const io = {
    out(text: string) {
      said.out += text
    },
    err(text: string) {
      said.err += text
    },
  }
  said.code = await createCertificate({ names: ['hub.example.com', '10.0.0.5'], out, ...options }, io)
  return said
}

const read = (name: string, from = out) => readFileSync(join(from, name), 'utf8')
const certificate = (name: string, from = out) => new X509Certificate(read(name, from))
const daysLeft = (one: X509Certificate) => Math.round((new Date(one.validTo).getTime() - Date.now()) / 86_400_000)

describe('entrepot cert create', () => {
  test('makes a CA and a certificate that it signed, for names and addresses', async () => {
    expect((await run({ names: ['hub.example.com', '*.hub.example.com', '10.0.0.5', 'fd00::5'] })).code).toBe(0)
    const [ca, server] = [certificate('ca.crt'), certificate('server.crt')]
    expect([ca.ca, server.ca, server.checkIssued(ca), server.verify(ca.publicKey)]).toEqual([true, false, true, true])
    expect(['hub.example.com', 'x.hub.example.com'].map((name) => server.checkHost(name) !== undefined)).toEqual([
      true,
      true,
    ])
    expect(['10.0.0.5', 'fd00::5'].map((address) => server.checkIP(address) !== undefined)).toEqual([true, true])
    expect(server.checkHost('other.example.com')).toBeUndefined()
    expect([daysLeft(ca), daysLeft(server)]).toEqual([3650, 825])
    expect(server.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
  })

  test('keeps the keys to the owner', async () => {
    await run({})
    expect(['ca.key', 'server.key', 'ca.crt'].map((name) => statSync(join(out, name)).mode & 0o777)).toEqual([
      0o600, 0o600, 0o644,
    ])
    expect(readdirSync(out).sort()).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key'])
  })

  test('replaces a certificate only when forced, and keeps the CA', async () => {
    await run({})
    const before = [read('ca.crt'), read('server.crt')]
    const refused = await run({})
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('--force')])
    expect([read('ca.crt'), read('server.crt')]).toEqual(before)
    expect((await run({ force: true })).code).toBe(0)
    expect(read('ca.crt')).toBe(before[0] as string)
    expect(read('server.crt')).not.toBe(before[1])
  })

  test('signs with the CA of another folder', async () => {
    await run({})
    const other = join(folder.path, 'other')
    expect((await run({ out: other, ca: out, names: ['second.example.com'], days: 30 })).code).toBe(0)
    expect(readdirSync(other).sort()).toEqual(['ca.crt', 'server.crt', 'server.key'])
    expect(certificate('server.crt', other).verify(certificate('ca.crt').publicKey)).toBe(true)
    expect(daysLeft(certificate('server.crt', other))).toBe(30)
  })

  for (const [name, options, expected] of [
    ['no name', { names: [] }, '--name'],
    ['a URL', { names: ['https://hub.example.com'] }, '"https://hub.example.com"'],
    ['a name with a port', { names: ['hub.example.com:5000'] }, '--port'],
    ['half an address', { names: ['10.0.0'] }, '"10.0.0"'],
    ['only a wildcard', { names: ['*.example.com'] }, 'wildcard'],
    ['too many days', { days: 900 }, '825'],
    ['no days', { days: 0 }, '--days'],
    ['a port that is none', { port: 70_000 }, '--port'],
    ['a CA folder without a CA', { ca: '/nonexistent' }, '/nonexistent'],
  ] as [string, Partial<CertificateOptions>, string][])
    test(`refuses ${name}, says the fix, and writes nothing`, async () => {
      const { code, err } = await run(options)
      expect([code, err]).toEqual([2, expect.stringContaining(expected)])
      expect(existsSync(out)).toBe(false)
    })

  test('says which file goes where, with the real names', async () => {
    const said = await run({ port: 8443 })
    for (const expected of [
      '/etc/docker/certs.d/hub.example.com:8443/ca.crt',
      '/etc/containerd/certs.d/hub.example.com:8443/hosts.toml',
      'server = "https://hub.example.com:8443"',
      '/etc/containers/certs.d/hub.example.com:8443/ca.crt',
      '/usr/local/share/ca-certificates/entrepot-hub.example.com-8443.crt && update-ca-certificates',
      'update-ca-trust',
      'kubectl get nodes',
      '10.0.0.5:8443',
      `certificate: ${out}/server.crt`,
      `REGISTRY_HTTP_TLS_KEY=${out}/server.key`,
      'docker login hub.example.com:8443',
    ])
      expect(said.out).toContain(expected)
  })

  test('leaves port 443 out of the names', async () => {
    const said = await run({ port: 443 })
    expect(said.out).toContain('/etc/docker/certs.d/hub.example.com/ca.crt')
    expect(said.out).toContain('addr: :443')
  })

  test('makes what a listener serves and a client that has the CA trusts', async () => {
    await run({ names: ['localhost', '127.0.0.1', '::1'] })
    const listener = await openListener({
      addr: '127.0.0.1:0',
      tls: loadTls({ certificate: join(out, 'server.crt'), key: join(out, 'server.key') }),
      trust: [],
      log: silentLog,
      handler: () => new Response('trusted'),
    })
    const get = (ca?: string) => fetch(listener.address, { keepalive: false, tls: ca === undefined ? {} : { ca } })
    expect(await (await get(read('ca.crt'))).text()).toBe('trusted')
    await expect(get()).rejects.toThrow()
    await listener.stop(0)
  })
})
