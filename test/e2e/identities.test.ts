import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { hashForHtpasswd } from '../../src/identity/passwords.ts'
import type { Client } from '../clients/client.ts'
import { openCrane } from '../clients/crane.ts'
import { openCtr } from '../clients/ctr.ts'
import { openDocker } from '../clients/docker.ts'
import { type Helm, openHelm } from '../clients/helm.ts'
import { openOras } from '../clients/oras.ts'
import { openBuildah, openPodman } from '../clients/podman.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { openVisitor } from '../helpers/browser-like.ts'
import { buildSamples, type Samples, writeSamples } from '../helpers/images.ts'
import { freePort, run, temporaryFolder, Unavailable } from '../helpers/process.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { type Credentials, cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { type OidcService, startOidcProvider } from '../services/oidc-provider.ts'
import { type OpenldapService, startOpenldap, whyNoOpenldap } from '../services/openldap.ts'
import { failureOf, testMs } from './client-flow.ts'

/** Every client as every kind of user, and as nobody, of the server that docs/access.md describes in "All kinds of users in one file". */

const root = resolve(import.meta.dirname, '../..')
const refusal =
  /denied|unauthorized|authentication required|insufficient_scope|forbidden|invalid.authorization|may not|40[13]/i
const folder = temporaryFolder('identities')
const layout = join(folder, 'two')
const port = await freePort()
const host = `127.0.0.1:${port}`
const name = (image: string) => `${host}/${image}:1`
const password = 'pass-word'

/** Who logs in, and how they came by their password. bob is in the directory's group `developers`. */
const identities: Record<string, () => Promise<Credentials>> = {
  'a user of the database': async () => ({ username: 'lin', password }),
  'a user of the password file': async () => ({ username: 'build', password }),
  'a user of the directory': async () => ({ username: 'bob', password: 'bob-secret' }),
  'a user of the provider': async () => {
    provider.person = { name: 'grace', groups: ['staff'] }
    await openVisitor().visit(`http://${host}/api/v1/oidc/login`)
    return { username: 'grace', password: (await entrepot('token', 'create', 'grace')).trim() }
  },
  'a robot': async () => {
    const limits = ['--repository', 'private', '--images', 'team/**', '--actions', 'pull,push']
    return { username: 'robot-deploy', password: (await entrepot('robot', 'create', 'deploy', ...limits)).trim() }
  },
}

/** ctr has no login: it is given its credentials when it is opened. */
const clients: Record<string, (credentials?: Credentials) => Promise<Client>> = {
  docker: () => openDocker(),
  ctr: (credentials) => openCtr(host, credentials),
  podman: openPodman,
  buildah: openBuildah,
  skopeo: () => openSkopeo(),
  crane: openCrane,
  oras: openOras,
  helm: async () => asClient(await openHelm()),
}

const missing = await whyNoOpenldap()
let samples: Samples
let directory: OpenldapService
let provider: OidcService
let server: Server
const known: Record<string, Credentials> = {}

beforeAll(async () => {
  if (missing) return
  samples = await buildSamples()
  writeSamples(folder, samples)
  directory = await startOpenldap()
  provider = await startOidcProvider([`http://${host}/api/v1/oidc/callback`])
  const hash = await hashForHtpasswd(password, 4)
  writeFileSync(join(folder, 'htpasswd'), `build:${hash}\n`)
  const config = documentedFile({
    '$2y$10$...': hash,
    '/etc/entrepot/htpasswd': join(folder, 'htpasswd'),
    'ldaps://dir.example.com': directory.tlsUrl,
    '/etc/entrepot/ldap-ca.crt': directory.ca,
    'secret-of-reader': 'reader-secret',
    'https://login.example.com/realms/company': provider.issuer,
    'secret-of-entrepot': provider.client.clientSecret,
  })
  writeFileSync(join(folder, 'config.yml'), config)
  server = await startServer({ config, port })
  for (const [who, credentialsOf] of Object.entries(identities)) known[who] = await credentialsOf()
  const ada = { username: 'ada', password }
  const registry = registryClient({ url: server.url, credentials: ada })
  for (const image of ['public/app', 'secret/app']) await registry.pushImage(image, samples.two, '1')
}, testMs)

afterAll(async () => {
  await server?.stop()
  await provider?.stop()
  await directory?.stop()
  rmSync(folder, { recursive: true, force: true })
}, testMs)

/** The file of the documentation, with what is of this machine in place of what is of the reader's. */
function documentedFile(ours: Record<string, string>): string {
  const page = readFileSync(join(root, 'docs/access.md'), 'utf8')
  const section = page.slice(page.indexOf('\n## All kinds of users in one file\n'))
  let text = /^```yaml\n([\s\S]*?)^```$/m.exec(section)?.[1] ?? ''
  for (const [theirs, mine] of Object.entries(ours)) {
    expect(text).toContain(theirs)
    text = text.replaceAll(theirs, () => mine)
  }
  return text
}

/** The command line, beside the running server. */
function entrepot(...words: string[]): Promise<string> {
  const env = { ...cleanEnvironment(), ENTREPOT_DATADIR: server.dataDir }
  return run([join(root, 'bin/entrepot'), ...words, '--config', join(folder, 'config.yml')], { env })
}

/** helm pushes a chart of its own in place of the image, and names it by the last part of the target. */
function asClient(helm: Helm): Client {
  const version = '1.0.0'
  const withoutTag = (target: string) => target.replace(/:[^:/]+$/, '')
  return {
    name: helm.name,
    login: helm.login,
    async push(_layout, _tag, target) {
      const [, parent = '', chart = ''] = /^(.*)\/([^/]+)$/.exec(withoutTag(target)) ?? []
      await helm.push(await helm.package(chart, version), parent)
    },
    async pull(source) {
      await helm.pull(withoutTag(source), version)
      return {}
    },
    close: helm.close,
  }
}

for (const [what, open] of Object.entries(clients)) {
  let client: Client
  try {
    if (missing) throw new Unavailable(missing)
    client = await open()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    test.skip(`${what}: ${error.message}`, () => {})
    continue
  }
  afterAll(() => client.close(), testMs)
  // Without a login first: most of them keep one.
  describe(`${client.name} without a login`, () => describeStranger(what, client, open))
  describe(`${client.name} as`, () => {
    for (const who of Object.keys(identities)) describeUser(what, client, who, open)
  })
}

function describeStranger(what: string, client: Client, open: (typeof clients)[string]): void {
  test(
    'pulls what is open to everyone, and is told why it gets nothing else',
    async () => {
      if (what === 'helm') await pushOpenChart()
      await client.pull(name('public/app'))
      expect(await failureOf(client.pull(name('secret/app')))).toMatch(refusal)
      expect(await failureOf(client.pull(name('team/none')))).toMatch(refusal)
      expect(await failureOf(client.push(layout, 'two', name(`public/${what}`)))).toMatch(refusal)
      expect(await failureOf(client.push(layout, 'two', name(`team/${what}-stranger`)))).toMatch(refusal)
    },
    testMs,
  )

  const { login, search } = client
  // Before a login, as crane keeps what it was refused with.
  if (search)
    test('finds what is open to everyone and nothing else', async () => {
      expect(await search(host, 'app')).toEqual(['public/app'])
    })
  if (login)
    test(
      'is turned away with a wrong password, whoever it names',
      async () => {
        for (const username of ['nobody', 'lin'])
          expect(await failureOf(login(host, { username, password: 'wrong' }))).toMatch(/incorrect|invalid|unauth|401/i)
      },
      testMs,
    )
  if (what === 'ctr' || what === 'crane')
    test(
      'pulls what is open to everyone with a wrong password as well',
      async () => {
        const mistaken = login ? client : await open({ username: 'lin', password: 'wrong' })
        try {
          await mistaken.pull(name('public/app'))
          expect(await failureOf(mistaken.pull(name('secret/app')))).toMatch(refusal)
          expect(await failureOf(mistaken.push(layout, 'two', name(`public/${what}`)))).toMatch(refusal)
        } finally {
          if (mistaken !== client) await mistaken.close()
        }
      },
      testMs,
    )
}

function describeUser(what: string, client: Client, who: string, open: (typeof clients)[string]): void {
  test(
    `${who} pushes and pulls what is theirs, and nothing else`,
    async () => {
      const credentials = known[who]!
      const image = `team/${what}-${credentials.username}`
      const theirs = client.login ? client : await open(credentials)
      try {
        await theirs.login?.(host, credentials)
        await theirs.push(layout, 'two', name(image))
        await theirs.pull(name(image))
        await theirs.pull(name('public/app'))
        expect(await failureOf(theirs.pull(name('secret/app')))).toMatch(refusal)
        expect(await failureOf(theirs.push(layout, 'two', name(`secret/${what}`)))).toMatch(refusal)
        expect(await failureOf(theirs.push(layout, 'two', name(`public/${what}`)))).toMatch(refusal)
        const pushed = new RegExp(` ${credentials.username} .*"PUT /v2/${image}/manifests/[^" ]+ HTTP/1.1" 201`)
        expect(server.log()).toMatch(pushed)
      } finally {
        if (theirs !== client) await theirs.close()
      }
    },
    testMs,
  )
}

/** There is no image that helm would pull. */
async function pushOpenChart(): Promise<void> {
  const helm = asClient(await openHelm())
  try {
    await helm.login!(host, { username: 'ada', password })
    for (const image of ['public/app', 'secret/app']) await helm.push('', '', name(image))
  } finally {
    await helm.close()
  }
}
