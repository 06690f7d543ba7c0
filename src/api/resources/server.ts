import { z } from '@hono/zod-openapi'
import { settingsNow } from '../../config/show.ts'
import type { ApiParts } from '../api.ts'
import { shownCertificates } from '../certificates.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const SettingSchema = z
  .object({
    path: z.string().openapi({ example: 'http.addr' }),
    value: z
      .union([z.string(), z.number(), z.boolean()])
      .openapi({ description: 'as the file would say it; secrets are ***' }),
    isDefault: z.boolean().openapi({ description: 'false: the file, a variable or the kind of installation says so' }),
    meaning: z.string(),
  })
  .openapi('Setting')
const CertificateSchema = z
  .object({
    usedBy: z.string(),
    obtained: z.enum(['file', 'letsencrypt']),
    names: z.array(z.string()),
    issuer: z.string(),
    from: z.iso.datetime().optional(),
    until: z.iso.datetime().optional(),
    daysLeft: z.number().int().optional(),
    fingerprint: z.string().openapi({ description: 'SHA-256, hexadecimal' }),
    problem: z.string().optional(),
  })
  .openapi('Certificate')
const HealthSchema = z
  .object({
    ok: z.boolean(),
    parts: z.array(z.object({ name: z.string(), ok: z.boolean(), problem: z.string().optional() })),
  })
  .openapi('Health')

/** The server itself: settings, certificates, health. */
export function addServer(api: Api, { decide, config, checks, now }: ApiParts): void {
  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/settings',
      tag: 'system',
      summary: 'The settings this instance runs with',
      access: 'admin',
      answer: z.array(SettingSchema),
    },
    () => settingsNow(config),
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/certificates',
      tag: 'system',
      summary: 'The certificates that clients are shown, as their files have them',
      access: 'admin',
      answer: z.array(CertificateSchema),
    },
    () =>
      shownCertificates(config).map(({ from, until, problem, ...shown }) =>
        problem !== undefined
          ? { ...shown, problem }
          : {
              ...shown,
              from: new Date(from).toISOString(),
              until: new Date(until).toISOString(),
              daysLeft: Math.floor((until - now()) / 86_400_000),
            },
      ),
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/health',
      tag: 'system',
      summary: 'Whether the parts of this instance are well',
      access: 'admin',
      answer: HealthSchema,
    },
    async () => {
      const parts = await Promise.all(
        checks.map(async ({ description: name, check }) => {
          const problem = await check().then(
            () => undefined,
            (error: unknown) => (error instanceof Error ? error.message : String(error)),
          )
          return { name, ok: problem === undefined, ...(problem !== undefined && { problem }) }
        }),
      )
      return { ok: parts.every(({ ok }) => ok), parts }
    },
  )
}
