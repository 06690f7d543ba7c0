import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import type { Client } from '../clients/client.ts'
import { openDocker } from '../clients/docker.ts'
import { openPodman } from '../clients/podman.ts'
import { makeImage } from '../helpers/oci.ts'
import { freePort } from '../helpers/process.ts'
import { startToyUpstream, type ToyUpstream } from '../helpers/proxy-lab.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { respond } from '../helpers/rude-upstream.ts'
import { type SearchIndex, startSearchIndex } from '../helpers/search-index.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { whyWithout } from '../services/packages.ts'

/** `docker search` and `podman search` through a hosted repository, a proxy, and a group of both. */

const testMs = 120_000
const image = makeImage('searched', {})
const entries = [
  { name: 'nginx', description: 'Official build of Nginx.', star_count: 20_000, is_official: true },
  { name: 'bitnami/nginx', description: 'Bitnami', star_count: 200 },
]

const why = await whyWithout('docker.io', 'podman')
let hub: ToyUpstream
let index: SearchIndex
let server: Server
const hosts: Record<string, string> = {}

const programs: Record<string, () => Promise<Client>> = { docker: openDocker, podman: openPodman }

describe.skipIf(why !== undefined)('a search', () => {
  beforeEach(async () => {
    hub = await startToyUpstream()
    hub.put('library/nginx', image, '1')
    index = await startSearchIndex(entries)
    for (const name of ['private', 'hub', 'images']) hosts[name] = `127.0.0.1:${await freePort()}`
    server = await startServer({
      config: {
        version: 0.1,
        auth: 'none',
        repositories: [
          { name: 'private' },
          { name: 'hub', type: 'proxy', upstream: { url: hub.url, libraryPrefix: 'always', index: index.url } },
          { name: 'images', type: 'group', members: ['private', 'hub'], writableMember: 'private' },
        ],
        connectors: Object.entries(hosts).map(([repository, addr]) => ({ repository, addr })),
      },
    })
    await registryClient(server).pushImage('team/nginx', image, '1')
  }, testMs)

  afterEach(async () => {
    await server?.stop()
    await hub?.close()
    await index?.close()
  })

  for (const [program, open] of Object.entries(programs))
    test(
      `of ${program} finds what each address has, and stars where there are any`,
      async () => {
        const client = await open()
        const found = async (repository: string, term = 'nginx') => [
          ...(await client.search!(hosts[repository]!, term)),
        ]
        try {
          expect(await found('private')).toEqual(['team/nginx'])
          expect(index.terms()).toEqual([])
          expect(await found('hub')).toEqual(['nginx', 'bitnami/nginx'])
          expect((await found('images')).toSorted()).toEqual(['bitnami/nginx', 'nginx', 'team/nginx'])
          expect(index.terms()).toEqual(['nginx'])
          index.rude = (socket) => respond(socket, 500)
          expect(await found('images', 'ngin')).toEqual(['team/nginx'])
        } finally {
          await client.close()
        }
      },
      testMs,
    )
})
