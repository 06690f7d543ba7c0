import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openCosign } from '../clients/cosign.ts'
import { makeImage } from '../helpers/oci.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { failureOf, orSkip, testMs } from './client-flow.ts'

await orSkip('cosign', openCosign, (cosign, server) => {
  afterAll(cosign.close)
  const registry = registryClient(server)
  const signed = makeImage('signed')
  const other = makeImage('not signed')
  const name = (image: { manifest: { digest: string } }) => `${server.host}/team/app@${image.manifest.digest}`

  describe(cosign.name, () => {
    beforeAll(async () => {
      await registry.pushImage('team/app', signed, 'v1')
      await registry.pushImage('team/app', other, 'v2')
      await cosign.login(server.host, server.credentials!)
    }, testMs)

    test(
      'signs an image and verifies the signature',
      async () => {
        await cosign.sign(name(signed))
        await cosign.verify(name(signed))
      },
      testMs,
    )

    test(
      'signs it again',
      async () => {
        await cosign.sign(name(signed))
        await cosign.verify(name(signed))
      },
      testMs,
    )

    test(
      'finds no signature on an image that has none',
      async () => {
        expect(await failureOf(cosign.verify(name(other)))).toMatch(/no signatures|no matching/i)
      },
      testMs,
    )

    test('leaves the image itself as it was', () => registry.verifyImage('team/app', signed, 'v1'))
  })
})
