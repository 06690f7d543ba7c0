import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { testAuthority, writePair } from '../helpers/certificates.ts'
import { freePort, temporaryFolder, waitFor } from '../helpers/process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { whyWithoutGoTools } from '../services/go-tools.ts'
import { type Pebble, startPebble } from '../services/pebble.ts'

const hosts = ['hub.example.com', 'images.example.com']
const reason = await whyWithoutGoTools('pebble', 'pebble-challtestsrv')
const title = reason ? `certificates from an authority (${reason})` : 'certificates from an authority'

const settings = (pebble: { directory: string; ca: string }, ports: { https: number; http: number }) => ({
  version: 0.1,
  auth: 'none',
  http: {
    addr: `127.0.0.1:${ports.https}`,
    tls: {
      letsencrypt: {
        hosts,
        email: 'ops@example.com',
        directoryurl: pebble.directory,
        challengeaddr: `127.0.0.1:${ports.http}`,
      },
    },
  },
  outbound: { ca: pebble.ca },
})
const twoPorts = async () => ({ https: await freePort(), http: await freePort() })

describe.skipIf(reason !== undefined)(title, () => {
  let pebble: Pebble
  let server: Server
  const dataDir = temporaryFolder('letsencrypt')
  let ports: { https: number; http: number }
  const start = () => startServer({ config: { ...settings(pebble, ports), dataDir }, port: ports.https, dataDir })

  beforeAll(async () => {
    ports = await twoPorts()
    pebble = await startPebble({ httpPort: ports.http })
    server = await start()
  })
  afterAll(async () => {
    await server?.stop()
    await pebble?.stop()
  })

  test('is obtained for all hosts soon after the start', async () => {
    await waitFor('the certificate', () => server.log().includes('a certificate was obtained'))
    const ca = await pebble.root()
    await waitFor('its use', async () => (await shown(ports.https, hosts[0]!, ca)) !== undefined)
    for (const host of hosts) expect(await shown(ports.https, host, ca)).toContain(`DNS:${host}`)
  })

  test('is kept where nobody else can read it', () => {
    const file = join(dataDir, 'acme/certificate-and-key.pem')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(dataDir, 'acme')).mode & 0o777).toBe(0o700)
  })

  test('people who come by http are sent to https, and challenges of others are unknown', async () => {
    const base = `http://127.0.0.1:${ports.http}`
    const sent = await fetch(`${base}/v2/?n=1`, { redirect: 'manual', headers: { host: 'hub.example.com' } })
    expect(sent.status).toBe(308)
    expect(sent.headers.get('location')).toBe(`https://hub.example.com:${ports.https}/v2/?n=1`)
    expect((await fetch(`${base}/.well-known/acme-challenge/x`)).status).toBe(404)
  })

  test('is used again after a restart, without asking the authority', async () => {
    const before = readFileSync(join(dataDir, 'acme/certificate-and-key.pem'), 'utf8')
    await server.stop()
    server = await start()
    expect(await shown(ports.https, hosts[0]!, await pebble.root())).toContain(hosts[0]!)
    expect(readFileSync(join(dataDir, 'acme/certificate-and-key.pem'), 'utf8')).toBe(before)
    expect(server.log()).not.toContain('asking for a certificate')
  })
})

describe.skipIf(reason !== undefined)('a certificate that runs out', () => {
  test('is replaced, and what is being sent under the old one goes on', async () => {
    const ports = await twoPorts()
    const pebble = await startPebble({ httpPort: ports.http, validSeconds: 9 })
    const dataDir = temporaryFolder('letsencrypt-renewal')
    const server = await startServer({ config: { ...settings(pebble, ports), dataDir }, port: ports.https, dataDir })
    try {
      const obtained = () => server.log().split('a certificate was obtained').length - 1
      await waitFor('the first certificate', () => obtained() === 1)
      const kept = () => readFileSync(join(dataDir, 'acme/certificate-and-key.pem'), 'utf8')
      const first = kept()
      const upload = slowUpload(`https://127.0.0.1:${ports.https}`)
      await waitFor('the second certificate', () => {
        process.kill(server.pid, 'SIGHUP')
        return obtained() === 2
      })
      expect(kept()).not.toBe(first)
      await waitFor('its use', () => server.log().split('new certificates are in use').length - 1 >= 2)
      expect(await upload.finish()).toBe(202)
    } finally {
      await server.stop()
      await pebble.stop()
    }
  }, 60_000)

  test('an authority that cannot be reached keeps nobody from starting', async () => {
    const ports = await twoPorts()
    const nowhere = {
      directory: `https://127.0.0.1:${await freePort()}/dir`,
      ca: writePair(temporaryFolder('ca'), 'ca', await testAuthority()).certificate,
    }
    const dataDir = temporaryFolder('letsencrypt-nowhere')
    const server = await startServer({ config: { ...settings(nowhere, ports), dataDir }, port: ports.https, dataDir })
    try {
      await waitFor('the failure', () =>
        server.log().includes('no certificate could be obtained; next try in 2 minutes'),
      )
      expect(server.log()).toContain(nowhere.directory)
    } finally {
      await server.stop()
    }
  }, 60_000)
})

/** An upload whose body does not end before `finish`, which resolves to the status of its answer. */
function slowUpload(base: string) {
  const tls = { tls: { rejectUnauthorized: false } } as RequestInit
  const body = new TransformStream<Uint8Array, Uint8Array>()
  const writer = body.writable.getWriter()
  const answer = (async () => {
    const started = await fetch(`${base}/v2/slow/blobs/uploads/`, { ...tls, method: 'POST' })
    const location = new URL(started.headers.get('location') ?? '', base)
    return fetch(location, { ...tls, method: 'PATCH', body: body.readable })
  })()
  const firstBytes = writer.write(new Uint8Array(100_000))
  return {
    async finish() {
      await firstBytes
      await writer.write(new Uint8Array(100_000))
      await writer.close()
      return (await answer).status
    },
  }
}

/** The names in the certificate that is shown for `host`; undefined when it does not come from `ca`. */
function shown(port: number, host: string, ca: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: host, ca }, () => {
      resolve(socket.authorized ? socket.getPeerCertificate().subjectaltname : undefined)
      socket.destroy()
    })
    socket.once('error', () => resolve(undefined))
  })
}
