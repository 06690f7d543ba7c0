import { afterAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from '../clients/client.ts'
import { openCrane } from '../clients/crane.ts'
import { openCtr } from '../clients/ctr.ts'
import { openDocker } from '../clients/docker.ts'
import { openHelm } from '../clients/helm.ts'
import { openOras } from '../clients/oras.ts'
import { openBuildah, openPodman } from '../clients/podman.ts'
import { openRegctl } from '../clients/regctl.ts'
import { openSkopeo } from '../clients/skopeo.ts'
import { buildSamples, writeSamples } from '../helpers/images.ts'
import { run, temporaryFolder, Unavailable } from '../helpers/process.ts'
import { type Credentials, cleanEnvironment } from '../helpers/registry-process.ts'
import { startServer } from '../helpers/server.ts'
import { failureOf, testMs } from './client-flow.ts'

const program = resolve(import.meta.dirname, '../../bin/entrepot')

const server = await startServer({ auth: 'admin' })
const samples = temporaryFolder('samples')
writeSamples(samples, await buildSamples())
afterAll(async () => {
  await server.stop()
  rmSync(samples, { recursive: true, force: true })
}, testMs)

/** A robot made beside the running server, as an operator does. */
async function makeRobot(word: string, ...limits: string[]): Promise<Credentials> {
  const env = { ...cleanEnvironment(), ENTREPOT_DATADIR: server.dataDir }
  const output = await run([program, 'robot', 'create', word, '--json', ...limits], { env })
  const { owner, secret } = JSON.parse(output) as { owner: { name: string }; secret: string }
  return { username: owner.name, password: secret }
}

const robot = await makeRobot('ci', '--repository', 'private', '--images', 'team/**', '--actions', 'pull,push')
const name = (image: string) => `${server.host}/${image}`
const layout = join(samples, 'two')

/** `mounts`: it mounts what it copies within one registry, rather than sending it again. */
const clients: [what: string, open: () => Promise<Client>, mounts: boolean][] = [
  ['docker', openDocker, true],
  ['containerd', () => openCtr(server.host, robot), false],
  ['podman', openPodman, true],
  ['buildah', openBuildah, false],
  ['skopeo', openSkopeo, true],
  ['crane', openCrane, true],
  ['oras', openOras, true],
  ['regctl', () => openRegctl(server.host), true],
]

for (const [what, open, mounts] of clients) {
  const client = await open().catch((error) => {
    if (!(error instanceof Unavailable)) throw error
    test.skip(`${what}: ${error.message}`, () => {})
    return undefined
  })
  if (!client) continue
  afterAll(client.close, testMs)

  describe(`a robot with ${client.name}`, () => {
    if (client.login) test('logs in', () => client.login!(server.host, robot), testMs)

    test(
      'pushes and pulls what it may',
      async () => {
        await client.push(layout, 'two', name(`team/${what}/app:v1`))
        await client.pull(name(`team/${what}/app:v1`))
      },
      testMs,
    )

    test(
      'is refused what it may not, in words that say so',
      async () => {
        const refusal = await failureOf(client.push(layout, 'two', name(`other/${what}:v1`)))
        expect(refusal).toMatch(
          /denied|unauthorized|authentication required|insufficient_scope|forbidden|invalid.authorization|40[13]/i,
        )
        expect(await failureOf(client.pull(name(`other/${what}:v1`)))).not.toBe('')
      },
      testMs,
    )

    const { copy } = client
    if (mounts && copy)
      test(
        'mounts from an image that its token is good for as well',
        async () => {
          await copy(name(`team/${what}/app:v1`), name(`team/${what}/copy:v1`))
          const mounted = new RegExp(`POST /v2/team/${what}/copy/blobs/uploads/\\?\\S*mount=\\S* HTTP/1.1" 201`)
          expect(server.log()).toMatch(mounted)
        },
        testMs,
      )
  })
}

try {
  const helm = await openHelm()
  afterAll(helm.close, testMs)
  test(
    `a robot with ${helm.name} pushes a chart and pulls it`,
    async () => {
      await helm.login(server.host, robot)
      await helm.push(await helm.package('hello', '1.2.3'), name('team/charts'))
      await helm.pull(name('team/charts/hello'), '1.2.3')
      expect(await failureOf(helm.push(await helm.package('hello', '1.2.4'), name('other/charts')))).not.toBe('')
    },
    testMs,
  )
} catch (error) {
  if (!(error instanceof Unavailable)) throw error
  test.skip(`helm: ${error.message}`, () => {})
}

try {
  const keeping = await startServer({ auth: 'admin', env: { ENTREPOT_TOKENS_IDENTITY: 'true' } })
  const docker = await openDocker()
  afterAll(async () => {
    await docker.close()
    await keeping.stop()
  }, testMs)
  test(
    `${docker.name} keeps a refresh token instead of the password where that is allowed, and works with it`,
    async () => {
      await docker.login!(keeping.host, keeping.credentials!)
      await docker.push(layout, 'two', `${keeping.host}/kept/app:v1`)
      await docker.pull(`${keeping.host}/kept/app:v1`)
      // Only a refresh token is sent in a form.
      expect(keeping.log()).toMatch(/"POST \/v2\/_token HTTP\/1.1" 200/)
    },
    testMs,
  )
} catch (error) {
  if (!(error instanceof Unavailable)) throw error
  test.skip(`docker: ${error.message}`, () => {})
}
