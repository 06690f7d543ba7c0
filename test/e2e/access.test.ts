import { afterAll, describe, expect, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { Client } from '../clients/client.ts'
import { openCrane } from '../clients/crane.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { buildSamples, writeSamples } from '../helpers/images.ts'
import { run, temporaryFolder, Unavailable } from '../helpers/process.ts'
import { cleanEnvironment } from '../helpers/registry-process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { failureOf, testMs } from './client-flow.ts'

const password = 'pass-word'
const user = (name: string, ...grants: object[]) => ({ name, password, grants })
const config = {
  version: 0.1,
  repositories: [
    { name: 'private' },
    { name: 'open' },
    { name: 'images', type: 'group', members: ['private', 'open'], writableMember: 'private' },
  ],
  defaultRepository: 'images',
  users: [
    { name: 'root', password, admin: true },
    user('reader', { repository: 'private', role: 'reader' }),
    user(
      'dev',
      { repository: 'private', role: 'developer', images: 'team-a/**' },
      { repository: 'images', role: 'reader' },
    ),
    user('maint', { repository: 'private', role: 'maintainer' }),
    user('outsider'),
  ],
  anonymous: { pull: 'open' },
}

const folder = temporaryFolder('access')
const dataDir = temporaryFolder('access-data')
const samples = await buildSamples()
writeSamples(folder, samples)
const layout = join(folder, 'two')
/** crane sends nothing of an image that is there, and calls that a success. */
const another = join(folder, 'zstd')
const server: Server = await startServer({ config, dataDir })
afterAll(async () => {
  await server.stop()
  for (const path of [folder, dataDir]) rmSync(path, { recursive: true, force: true })
}, testMs)

await describeRoles('skopeo', openSkopeo)
await describeRoles('crane', openCrane)

/** What a client gets to do in each role. One that cannot be had on this machine is one skipped test that says why. */
async function describeRoles(what: string, open: () => Promise<Client>): Promise<void> {
  let client: Client
  try {
    client = await open()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    test.skip(`${what}: ${error.message}`, () => {})
    return
  }
  const name = (image: string) => `${server.host}/${image}-${what}:1`
  const refusal = /denied|unauthorized|may not|authentication required|401|403/i
  const refused = async (work: Promise<unknown>) => expect(await failureOf(work)).toMatch(refusal)
  const login = (username: string) => client.login!(server.host, { username, password })
  const push = (image: string) => client.push(layout, 'two', name(image))
  const refusedPush = (image: string) => refused(client.push(another, 'zstd', name(image)))

  describe(`${client.name} as`, () => {
    afterAll(() => client.close(), testMs)

    test(
      'an admin pushes everywhere',
      async () => {
        await login('root')
        for (const image of ['private/team-a/x', 'private/team-b/x', 'open/x']) await push(image)
      },
      testMs,
    )

    test(
      'a developer pushes and pulls their images, through the group too, and no others, and deletes nothing',
      async () => {
        await login('dev')
        await push('private/team-a/x')
        await push('team-a/grouped')
        await client.pull(name('team-a/grouped'))
        await client.pull(name('private/team-a/x'))
        await refusedPush('private/team-b/x')
        await refusedPush('private/team-ab/x')
        await refusedPush('open/x')
        await refused(client.pull(name('private/team-b/x')))
        await refused(client.delete!(name('private/team-a/x')))
      },
      testMs,
    )

    test(
      'a reader pulls and changes nothing',
      async () => {
        await login('reader')
        await client.pull(name('private/team-b/x'))
        await refusedPush('private/team-a/x')
        await refused(client.delete!(name('private/team-a/x')))
      },
      testMs,
    )

    test(
      'a maintainer deletes',
      async () => {
        await login('maint')
        await push('private/gone')
        await client.delete!(name('private/gone'))
        expect(await failureOf(client.pull(name('private/gone')))).toMatch(/unknown|404|not found/i)
      },
      testMs,
    )

    test(
      'a user without grants pulls what is open to everyone',
      async () => {
        await login('outsider')
        await client.pull(name('open/x'))
        await refused(client.pull(name('private/team-a/x')))
        await refusedPush('open/x')
      },
      testMs,
    )
  })

  const stranger = await open()
  describe(`${client.name} without a login`, () => {
    afterAll(() => stranger.close(), testMs)

    test(
      'pulls what is open to everyone and nothing else',
      async () => {
        await stranger.pull(name('open/x'))
        await refused(stranger.pull(name('private/team-a/x')))
        await refused(stranger.push(another, 'zstd', name('open/x')))
      },
      testMs,
    )
  })
}

describe('the command line beside a running server', () => {
  const entrepot = resolve(import.meta.dirname, '../../bin/entrepot')
  const file = join(folder, 'config.yml')
  writeFileSync(file, stringify({ ...config, dataDir }))
  const call = (...args: string[]) => run([entrepot, ...args, '--config', file], { env: cleanEnvironment() })
  const statusOf = async (secret: string, path: string) => {
    const headers = { authorization: `Basic ${btoa(`late:${secret}`)}` }
    return (await fetch(`${server.url}${path}`, { headers })).status
  }

  test(
    'adds a user and takes their role back, and the server follows',
    async () => {
      const secret = (await call('user', 'add', 'late', '--role', 'reader', '--repository', 'private')).trim()
      const target = '/v2/private/none/tags/list'
      while ((await statusOf(secret, target)) !== 404) await Bun.sleep(100)
      expect(await call('access', 'explain', 'late', `${server.host}/private/none`, 'pull')).toContain('answer: yes')
      await call('grant', 'remove', '--user', 'late')
      while ((await statusOf(secret, target)) !== 403) await Bun.sleep(100)
      expect(await failureOf(call('access', 'explain', 'late', `${server.host}/private/none`, 'pull'))).toContain(
        'answer: no',
      )
    },
    testMs,
  )
})
