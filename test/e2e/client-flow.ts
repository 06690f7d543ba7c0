import { afterAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../clients/client.ts'
import { buildSamples, type Samples, writeSamples } from '../helpers/images.ts'
import { temporaryFolder, Unavailable } from '../helpers/process.ts'
import { type RegistryClient, registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { verifyContent } from '../helpers/verify-image.ts'

/** For tests that wait for real programs. */
export const testMs = 120_000

/** What the tests of a client stand on. */
export interface Bench<C extends Client> {
  readonly client: C
  readonly server: Server
  /** Plain HTTP with the same credentials, to look at what the client did. */
  readonly registry: RegistryClient
  readonly samples: Samples
  /** `127.0.0.1:5000/name`. */
  name(image: string): string
  /** Folder of a sample's layout. */
  layout(sample: 'two' | 'zstd' | 'docker' | 'multi'): string
}

export interface FlowOptions {
  /** It sends manifests as they are, so that their digests stay. Engines unpack images and build manifests anew: their configs stay. */
  keepsManifests: boolean
}

/**
 * Registers the tests that every client has to pass, then those of `more`, against a registry with a password.
 * A client that cannot be had on this machine is one skipped test that says why.
 */
export async function describeClient<C extends Client>(
  what: string,
  open: (server: Server) => Promise<C>,
  { keepsManifests }: FlowOptions,
  more?: (bench: Bench<C>) => void,
): Promise<void> {
  await orSkip(what, open, (client, server) => registerFlow(client, server, keepsManifests, more))
}

async function registerFlow<C extends Client>(
  client: C,
  server: Server,
  keepsManifests: boolean,
  more?: (bench: Bench<C>) => void,
): Promise<void> {
  const folder = temporaryFolder('samples')
  const samples = await buildSamples()
  writeSamples(folder, samples)
  const credentials = server.credentials!
  const registry = registryClient(server)
  const name = (image: string) => `${server.host}/${image}`
  const layout = (sample: string) => join(folder, sample)
  const held = (image: string, tag: string) => verifyContent(registry, image, tag)

  afterAll(async () => {
    await client.close()
    rmSync(folder, { recursive: true, force: true })
  }, testMs)

  describe(client.name, () => {
    if (client.login) {
      test(
        'is turned away with a wrong password',
        async () => {
          const wrong = { ...credentials, password: 'wrong' }
          expect(await failureOf(client.login!(server.host, wrong))).toMatch(
            /unauthorized|denied|401|incorrect|invalid username/i,
          )
        },
        testMs,
      )

      test('logs in', () => client.login!(server.host, credentials), testMs)
    }

    test(
      'pushes an image that the registry then holds byte for byte',
      async () => {
        await client.push(layout('two'), 'two', name('flow/two:v1'))
        const { digest, configs } = await held('flow/two', 'v1')
        expect(configs).toEqual([samples.two.config.digest])
        if (keepsManifests) expect(digest).toBe(samples.two.manifest.digest)
      },
      testMs,
    )

    test(
      'pulls the same image into an empty place',
      async () => {
        const pulled = await client.pull(name('flow/two:v1'))
        const { digest, configs } = await held('flow/two', 'v1')
        if (pulled.digest) expect(pulled.digest).toBe(digest)
        if (pulled.configs) expect(pulled.configs).toEqual(configs)
        expect(pulled.digest ?? pulled.configs).toBeDefined()
      },
      testMs,
    )

    test(
      'pushes the same image again, which changes nothing',
      async () => {
        const before = await held('flow/two', 'v1')
        await client.push(layout('two'), 'two', name('flow/two:v1'))
        expect(await held('flow/two', 'v1')).toEqual(before)
      },
      testMs,
    )

    if (client.copy) {
      test(
        'pushes to another name what the registry has under the first',
        async () => {
          await client.copy!(name('flow/two:v1'), name('flow/elsewhere/copy:v1'))
          expect((await held('flow/elsewhere/copy', 'v1')).configs).toEqual([samples.two.config.digest])
        },
        testMs,
      )
    }

    if (client.pushIndex) {
      const configs = () => samples.multi.images.map(({ config }) => config.digest)
      test(
        'pushes an image of three platforms',
        async () => {
          await client.pushIndex!(layout('multi'), 'multi', name('flow/multi:v1'))
          const found = await held('flow/multi', 'v1')
          expect(found.configs.toSorted()).toEqual(configs().toSorted())
          if (keepsManifests) expect(found.digest).toBe(samples.multi.index.digest)
        },
        testMs,
      )

      if (client.pullIndex) {
        test(
          'pulls it with all its platforms',
          async () => {
            const pulled = await client.pullIndex!(name('flow/multi:v1'))
            expect(pulled.digest).toBe((await held('flow/multi', 'v1')).digest)
            if (pulled.configs) expect(pulled.configs).toEqual(configs())
          },
          testMs,
        )
      }
    }

    if (client.tags) {
      test(
        'lists tags',
        async () => {
          await client.push(layout('two'), 'two', name('flow/two:v2'))
          expect(await client.tags!(name('flow/two'))).toEqual(['v1', 'v2'])
        },
        testMs,
      )
    }

    if (client.search) {
      test(
        'finds an image by a part of its name',
        async () => {
          expect(await client.search!(server.host, 'two')).toContain('flow/two')
        },
        testMs,
      )
    }

    if (client.delete) {
      test(
        'deletes an image, and only that',
        async () => {
          await client.push(layout('zstd'), 'zstd', name('flow/gone:v1'))
          await client.delete!(name('flow/gone:v1'))
          expect(await registry.pullManifest('flow/gone', 'v1')).toBeUndefined()
          await held('flow/two', 'v1')
        },
        testMs,
      )
    }

    more?.({ client, server, registry, samples, name, layout })
  })
}

/**
 * Starts a registry with a password, opens a client, and registers the tests of `body`; the registry is stopped after them.
 * A client that cannot be had on this machine becomes one skipped test that says why.
 */
export async function orSkip<C>(
  what: string,
  open: (server: Server) => Promise<C>,
  body: (client: C, server: Server) => void | Promise<void>,
): Promise<void> {
  const server = await startServer({ auth: 'admin' })
  try {
    await body(await open(server), server)
    afterAll(() => server.stop(), testMs)
  } catch (error) {
    await server.stop()
    if (error instanceof Unavailable) test.skip(`${what}: ${error.message}`, () => {})
    else throw error
  }
}

/** The message that a promise is rejected with; empty when it is not. */
export function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => '',
    (error) => `${error}`,
  )
}
