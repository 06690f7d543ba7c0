import { z } from '@hono/zod-openapi'

/** What people want to see of a manifest, whatever kind it is. Nothing in it is trusted to have the form that it should have. */
export interface DecodedManifest {
  kind: 'image' | 'index' | 'artifact'
  platforms: Platform[]
  layers: Descriptor[]
  config: Descriptor | undefined
  subject: Descriptor | undefined
  annotations: Record<string, string>
  artifactType: string | undefined
  /** Bytes of config and layers; of an index those of the manifests themselves. */
  contentSize: number
}

export const DescriptorSchema = z
  .object({
    digest: z.string(),
    mediaType: z.string(),
    size: z.number(),
    annotations: z.record(z.string(), z.string()),
  })
  .openapi('Descriptor')
export const PlatformSchema = DescriptorSchema.extend({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().optional(),
}).openapi('Platform')
type Descriptor = z.infer<typeof DescriptorSchema>
type Platform = z.infer<typeof PlatformSchema>

const text = z.string().catch('')
const texts = z.record(z.string(), z.string()).catch({})
const descriptor = z.object({
  digest: text,
  mediaType: text,
  size: z.number().catch(0),
  annotations: texts.default({}),
})
const platform = z
  .object({ os: text, architecture: text, variant: z.string().optional().catch(undefined) })
  .catch({ os: '', architecture: '' })
const document = z.object({
  config: descriptor.optional().catch(undefined),
  layers: z.array(descriptor).catch([]).default([]),
  blobs: z.array(descriptor).catch([]).default([]),
  manifests: z
    .array(descriptor.extend({ platform: platform.default({ os: '', architecture: '' }) }))
    .catch([])
    .default([]),
  subject: descriptor.optional().catch(undefined),
  annotations: texts.default({}),
  artifactType: z.string().optional().catch(undefined),
})

/** Reads a stored manifest for people. */
export function decodeManifest(content: Uint8Array, mediaType: string): DecodedManifest {
  const { config, layers, blobs, manifests, subject, annotations, artifactType } = document.parse(
    JSON.parse(new TextDecoder().decode(content)),
  )
  const isIndex = manifests.length > 0 || /index|manifest\.list/.test(mediaType)
  const isImage = /image\.config|container\.image\.v1/.test(config?.mediaType ?? '')
  const pieces = [...(config ? [config] : []), ...layers, ...blobs]
  return {
    kind: isIndex ? 'index' : isImage ? 'image' : 'artifact',
    platforms: manifests.map(({ platform: { os, architecture, variant }, ...rest }) => ({
      ...rest,
      os,
      architecture,
      ...(variant !== undefined && { variant }),
    })),
    layers: [...layers, ...blobs],
    config,
    subject,
    annotations,
    artifactType: artifactType ?? (isIndex || isImage ? undefined : config?.mediaType),
    contentSize: (isIndex ? manifests : pieces).reduce((sum, { size }) => sum + size, 0),
  }
}

export const ImageConfigSchema = z
  .object({
    created: z.string().optional(),
    os: z.string(),
    architecture: z.string(),
    variant: z.string().optional(),
    user: z.string(),
    workingDir: z.string(),
    env: z.array(z.string()),
    entrypoint: z.array(z.string()),
    command: z.array(z.string()),
    ports: z.array(z.string()),
    volumes: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    history: z.array(
      z.object({ created: z.string().optional(), by: z.string(), comment: z.string(), empty: z.boolean() }),
    ),
  })
  .openapi('ImageConfig')

const words = z.array(z.string()).catch([]).default([])
const keys = z.record(z.string(), z.unknown()).catch({}).default({})
const imageConfig = z.object({
  created: z.string().optional().catch(undefined),
  os: text.default(''),
  architecture: text.default(''),
  variant: z.string().optional().catch(undefined),
  config: z
    .object({
      User: text.default(''),
      WorkingDir: text.default(''),
      Env: words,
      Entrypoint: words,
      Cmd: words,
      ExposedPorts: keys,
      Volumes: keys,
      Labels: texts.default({}),
    })
    .catch({ User: '', WorkingDir: '', Env: [], Entrypoint: [], Cmd: [], ExposedPorts: {}, Volumes: {}, Labels: {} })
    .optional(),
  history: z
    .array(
      z.object({
        created: z.string().optional().catch(undefined),
        created_by: text.default(''),
        comment: text.default(''),
        empty_layer: z.boolean().catch(false).default(false),
      }),
    )
    .catch([])
    .default([]),
})

/** Reads the config of an image (image-spec, config.md). Undefined when it is none. */
export function decodeImageConfig(content: Uint8Array): z.infer<typeof ImageConfigSchema> | undefined {
  let given: unknown
  try {
    given = JSON.parse(new TextDecoder().decode(content))
  } catch {
    return undefined // Configs of other artifacts need not be JSON.
  }
  const read = imageConfig.safeParse(given)
  if (!read.success) return undefined
  const { config, history, created, os, architecture, variant } = read.data
  return {
    ...(created !== undefined && { created }),
    os,
    architecture,
    ...(variant !== undefined && { variant }),
    user: config?.User ?? '',
    workingDir: config?.WorkingDir ?? '',
    env: config?.Env ?? [],
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
    ports: Object.keys(config?.ExposedPorts ?? {}),
    volumes: Object.keys(config?.Volumes ?? {}),
    labels: config?.Labels ?? {},
    history: history.map(({ created: at, created_by: by, comment, empty_layer: empty }) => ({
      ...(at !== undefined && { created: at }),
      by,
      comment,
      empty,
    })),
  }
}
