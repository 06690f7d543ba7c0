import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import {
  temporaryFolder as certificateFolder,
  testAuthority,
  testCertificate,
  writePair,
} from '../helpers/certificates.ts'
import { freePort, run, temporaryFolder } from '../helpers/process.ts'
import { configOf, digestOf, imageManifest, layerOf } from '../helpers/registry.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'

const folder = certificateFolder()
const [main, plainPort, ownPort] = [await freePort(), await freePort(), await freePort()]
const authority = await testAuthority()
const pair = writePair(folder.path, 'main', await testCertificate(authority, 'main'))
const own = writePair(folder.path, 'own', await testCertificate(authority, 'own'))
const dataDir = temporaryFolder('connectors')
const config = {
  version: 0.1,
  auth: 'none',
  dataDir,
  http: { addr: `127.0.0.1:${main}`, tls: pair },
  repositories: [
    { name: 'private' },
    { name: 'team' },
    { name: 'images', type: 'group', members: ['private', 'team'], writableMember: 'private' },
  ],
  defaultRepository: 'private',
  connectors: [
    { repository: 'images', addr: `127.0.0.1:${plainPort}`, plain: true },
    { repository: 'team', addr: `127.0.0.1:${ownPort}`, tls: own },
    { repository: 'images', host: 'hub.example.com' },
  ],
}
const group = `http://127.0.0.1:${plainPort}`
const team = `https://127.0.0.1:${ownPort}`
let server: Server

beforeAll(async () => {
  server = await startServer({ config, port: main, dataDir })
})
afterAll(async () => {
  await server.stop()
  folder.remove()
})

function request(url: string, init: RequestInit = {}) {
  return fetch(url, { ...init, tls: { ca: authority.certificate } } as RequestInit)
}

async function push(base: string, image: string) {
  for (const content of [configOf(image), layerOf(image)]) {
    const url = `${base}/v2/${image}/blobs/uploads/?digest=${digestOf(content)}`
    expect((await request(url, { method: 'POST', body: content })).status).toBe(201)
  }
  const manifest = imageManifest(image)
  const headers = { 'content-type': manifest.mediaType }
  const answer = await request(`${base}/v2/${image}/manifests/1`, {
    method: 'PUT',
    headers,
    body: JSON.stringify(manifest),
  })
  expect(answer.status).toBe(201)
}

const statusOf = async (url: string, init?: RequestInit) => (await request(url, init)).status

test('a push to the group on its plain port lands in the private store', async () => {
  await push(group, 'mine')
  expect(await statusOf(`${server.url}/v2/private/mine/manifests/1`)).toBe(200)
  expect(await statusOf(`${team}/v2/mine/manifests/1`)).toBe(404)
})

test('the port with a certificate of its own leads to its repository, and the group shows it', async () => {
  await push(team, 'theirs')
  expect(await statusOf(`${server.url}/v2/team/theirs/manifests/1`)).toBe(200)
  expect(await statusOf(`${group}/v2/theirs/manifests/1`)).toBe(200)
  expect(await statusOf(`${server.url}/v2/theirs/manifests/1`)).toBe(404)
  const catalog = await request(`${group}/v2/_catalog`)
  expect(await catalog.json()).toEqual({ repositories: ['mine', 'theirs'] })
})

test('the host name leads to its repository on the main port', async () => {
  const headers = { host: `hub.example.com:${main}` }
  expect(await statusOf(`${server.url}/v2/theirs/manifests/1`, { headers })).toBe(200)
})

test('explain says who answers, and why', async () => {
  const file = join(folder.path, 'config.yml')
  writeFileSync(file, stringify(config))
  const explain = async (reference: string) => {
    const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
    return run([entrepot, 'explain', reference, '--config', file], { env: cleanEnvironment() })
  }
  const shown = await explain(`localhost:${plainPort}/theirs:1`)
  expect(shown).toContain('repository: images (group), because the connector leads there')
  expect(shown).toContain('answer: team\n')
  expect(shown).toContain('push: private')
  expect(await explain('hub.example.com/theirs:2')).toContain('answer: nobody has it')
  expect(await explain(`localhost:${main}/team/theirs:1`)).toContain('the first segment of the name is a repository')
})
