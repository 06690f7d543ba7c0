import { blobOf, descriptorOf, makeImage, makeIndex, mediaTypes, noiseBlob } from '../helpers/oci.ts'
import { registryClient } from '../helpers/registry-client.ts'
import type { Server } from '../helpers/registry-process.ts'

/** Digests of what `pushContent` has pushed. */
export interface Content {
  /** `team/app:1.0`, which was `first` before. */
  app: string
  first: string
  /** `team/multi:latest`. */
  index: string
}

/** Pushes what the pages are to show: an image that was pushed twice under one tag, an index, a signature, and more images than one page has. */
export async function pushContent(server: Server): Promise<Content> {
  const client = registryClient(server)
  const layers = [noiseBlob('base', 30_000), noiseBlob('app', 1_200)]
  const config = blobOf(
    JSON.stringify({
      os: 'linux',
      architecture: 'arm64',
      created: '2026-03-01T10:00:00Z',
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
      config: {
        User: 'app',
        WorkingDir: '/srv',
        Env: ['PATH=/usr/bin', 'GREETING=hello'],
        Entrypoint: ['/srv/app', '--with space'],
        ExposedPorts: { '8080/tcp': {} },
        Labels: { 'org.opencontainers.image.source': 'https://example.com/app' },
      },
      history: [
        { created_by: '/bin/sh -c #(nop) ADD file:1 in / ' },
        { created_by: 'ENV GREETING=hello', empty_layer: true },
        { created_by: 'COPY app /srv/app # buildkit' },
      ],
    }),
  )
  const first = makeImage('first')
  const app = makeImage('app', { layers, config, annotations: { 'org.example.note': 'for the browser' } })
  await client.pushImage('team/app', first, '1.0')
  await client.pushImage('team/app', app, '1.0')
  await client.pushImage('team/app', app, 'stable')
  const signature = makeImage('signature', {
    subject: descriptorOf(app.manifest),
    artifactType: 'application/vnd.example.signature',
  })
  await client.pushImage('team/app', signature)

  const platforms = ['amd64', 'arm64'].map((architecture) => ({ architecture, image: makeImage(architecture) }))
  for (const { image } of platforms) await client.pushImage('team/multi', image)
  const index = makeIndex(
    platforms.map(({ architecture, image }) => ({
      ...descriptorOf(image.manifest, mediaTypes.manifest),
      platform: { os: 'linux', architecture },
    })),
  )
  await client.pushManifest('team/multi', index, 'latest')

  const small = makeImage('small', { layers: 1, layerSize: 10 })
  for (let n = 100; n < 205; n++) await client.pushImage(`many/image-${n}`, small, 'latest')
  return { app: app.manifest.digest, first: first.manifest.digest, index: index.digest }
}
