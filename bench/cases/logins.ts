import { hashForHtpasswd } from '../../src/identity/passwords.ts'
import { Unavailable } from '../../test/helpers/process.ts'
import { type OpenldapService, people, reader, startOpenldap } from '../../test/services/openldap.ts'
import type { Bench, Benchmark, Server } from '../harness/bench.ts'
import type { Comparison } from '../harness/comparison.ts'
import { acceptManifests, blobOf, configOf, manifestOf } from '../harness/content.ts'
import type { Program } from '../harness/program.ts'
import { pushBlob, putManifest, request } from '../harness/registry-client.ts'
import { rounds } from '../harness/rounds.ts'
import { requestRate } from '../harness/wrk.ts'

const connections = 32
/** The cost of `htpasswd -B`. */
const cost = 5
const [few, many] = [10, 1000]
const image = 'bench/app'
const manifestPath = `/v2/${image}/manifests/latest`
const tokenPath = `/v2/_token?scope=repository:${image}:pull`
const config = configOf('logins')
const layer = blobOf('a small layer')
const manifest = manifestOf(config, [layer])

/** What a header opens, and of which server. */
interface Side {
  server: Server
  path: string
  authorization: string
}

export const logins: Benchmark = {
  name: 'logins',
  title: 'Logins',
  method: (sizes) =>
    `Manifest GET by tag: wrk with one thread and ${connections} connections for ${seconds(sizes)} s a round, each request with the same right credentials: a user of the database with ` +
    `${few} grants, one with ${many.toLocaleString('en')} (on images that begin differently; the last one counts), a user of an htpasswd file, one of an LDAP directory (OpenLDAP, asked once a ` +
    `minute), and a Bearer token. docker-registry has htpasswd with bcrypt cost ${cost}, in the same rounds. Token endpoint: tokens bought with the password of a user of the database.`,
  async run(bench) {
    const { subject, peer, sizes } = bench
    // A stand-in for Entrepot knows none of this.
    if (!subject.group) return []
    const directory = await openDirectory()
    try {
      const { file, header } = bench.htpasswd(cost)
      const [own, other] = [await filled(bench, subject), await filled(bench, peer)]
      const variables = { ENTREPOT_CONFIGURATION_PATH: bench.file('config.yml', await configuration(directory)) }
      const server = await bench.start(subject, { dataDir: own, htpasswd: file, variables })
      const far = await bench.start(peer, { dataDir: other, htpasswd: file })
      const at = (authorization: string, path = manifestPath): Side => ({ server, path, authorization })
      const sides: Record<string, Side> = {
        'docker-registry': { server: far, path: manifestPath, authorization: header },
        [`a user with ${few} grants`]: at(basic('few', password)),
        [`a user with ${many.toLocaleString('en')} grants`]: at(basic('many', password)),
        'an htpasswd user': at(header),
        'a Bearer token': at(await bearer(server)),
        ...(directory && { 'an LDAP user': at(basic('alice', 'alice-secret')) }),
        tokens: at(basic('few', password), tokenPath),
      }
      const names = Object.keys(sides)
      const values = await rounds(sizes.rounds, names, (name) => rateOf(sides[name]!, seconds(sizes)))
      const of = (name: string) => values[names.indexOf(name)]!
      const [behindPassword = '', withFew = '', withMany = '', ...others] = names
      const compared = (work: string, name: string, ratio?: number): Comparison => ({
        work: `${work}, ${connections} connections`,
        unit: 'requests/s',
        better: 'higher',
        subject: of(name),
        peers: [
          {
            name: `${peer.name}, htpasswd cost ${cost}`,
            values: of(behindPassword),
            ...(ratio !== undefined && { ratio }),
          },
        ],
      })
      return [
        ...[withFew, ...others.filter((name) => name !== 'tokens')].map((name) =>
          compared(`manifest GET as ${name}`, name, 100),
        ),
        {
          work: `manifest GET as ${withMany}`,
          unit: 'requests/s',
          better: 'higher',
          subject: of(withMany),
          peers: [{ name: `${subject.name}, ${withFew}`, values: of(withFew), ratio: 0.9 }],
        },
        compared('tokens issued for a password', 'tokens'),
      ]
    } finally {
      await directory?.stop()
    }
  },
}

const password = 'bench-secret'
const seconds = (sizes: { seconds: number }) => Math.min(2, sizes.seconds)
const basic = (username: string, secret: string) => `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`

/** Undefined, with a line that says why, where there is none to be had. */
async function openDirectory(): Promise<OpenldapService | undefined> {
  try {
    return await startOpenldap()
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    console.error(`    without LDAP: ${error.message}`)
    return undefined
  }
}

/** A data folder with the image in it. */
async function filled(bench: Bench, program: Program): Promise<string> {
  const server = await bench.start(program)
  for (const blob of [config, layer]) await pushBlob(server.url, image, blob)
  await putManifest(server.url, image, manifest, { reference: 'latest' })
  await server.stop()
  return server.settings.dataDir
}

/** JSON is YAML. */
async function configuration(directory: OpenldapService | undefined): Promise<string> {
  const passwordHash = await hashForHtpasswd(password, cost)
  const pull = { repository: 'private', role: 'reader' }
  const grants = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...pull,
      images: index === count - 1 ? 'bench/**' : `team-${index}/**`,
    }))
  return JSON.stringify({
    repositories: [{ name: 'private' }],
    users: [
      { name: 'few', passwordHash, grants: grants(few) },
      { name: 'many', passwordHash, grants: grants(many) },
    ],
    grants: [
      { ...pull, user: 'bench' },
      { ...pull, group: 'developers' },
    ],
    ...(directory && {
      ldap: {
        url: `${directory.url}/${people}?uid?sub?(objectclass=posixAccount)`,
        ...reader,
        groups: { base: 'ou=groups,dc=example,dc=com' },
      },
    }),
  })
}

async function bearer({ url }: Server): Promise<string> {
  const headers = { authorization: basic('few', password) }
  const answer = await request('GET', `${url}${tokenPath}`, [200], { headers })
  return `Bearer ${((await answer.json()) as { token: string }).token}`
}

function rateOf({ server, path, authorization }: Side, duration: number): Promise<number> {
  const headers = { accept: acceptManifests, authorization }
  return requestRate(`${server.url}${path}`, { connections, seconds: duration, headers })
}
