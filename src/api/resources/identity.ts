import { z } from '@hono/zod-openapi'
import { AppError } from '../../errors.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const IdentitySchema = z
  .object({
    sources: z.array(z.string()).openapi({ description: 'where users are looked for, in this order' }),
    directories: z.array(
      z.object({
        name: z.string(),
        servers: z.array(z.string()),
        startTls: z.boolean(),
        checksCertificate: z.boolean(),
        searchesAs: z.string().openapi({ description: 'the DN that searches; empty: nobody in particular' }),
        userBase: z.string(),
        groupBase: z.string(),
        require: z.array(z.string()),
        admins: z.array(z.string()),
      }),
    ),
    oidc: z
      .object({
        issuer: z.string(),
        clientId: z.string(),
        label: z.string(),
        scopes: z.array(z.string()),
        adminGroups: z.array(z.string()),
        requiredGroups: z.array(z.string()),
      })
      .optional(),
  })
  .openapi('Identity')
const LoginTestSchema = z
  .object({
    user: z.string().min(1).max(255),
    password: z
      .string()
      .max(1000)
      .optional()
      .openapi({ description: 'absent: everything but the password is looked at' }),
  })
  .openapi('LdapTest')
const LoginTraceSchema = z
  .object({
    accepted: z.boolean(),
    directories: z.array(
      z.object({
        name: z.string(),
        result: z.enum(['accepted', 'refused', 'unknown', 'unavailable']),
        steps: z.array(z.string()).openapi({ description: 'what was asked and answered, in words' }),
        user: z.object({ name: z.string(), admin: z.boolean(), groups: z.array(z.string()) }).optional(),
      }),
    ),
  })
  .openapi('LdapTrace')
const ReachableSchema = z.object({ ok: z.boolean(), problem: z.string().optional() }).openapi('Reachable')

/** Longest that a test of a directory may take. */
const testMs = 60_000

/** Where users come from, and tests of it. What is set there is set in the configuration file. */
export function addIdentity(api: Api, parts: ApiParts): void {
  const { decide, config, oidc, tellChange } = parts
  const settings = async () =>
    config.ldap.length === 0 ? [] : (await import('../../identity/ldap/settings.ts')).directorySettings(config.ldap)

  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/identity',
      tag: 'system',
      summary: 'Where users come from',
      access: 'admin',
      answer: IdentitySchema,
    },
    async () => ({
      sources: [...(parts.accounts?.sources ?? []), ...(config.oidc ? ['oidc'] : [])],
      directories: (await settings()).map((one) => ({
        name: one.name,
        servers: one.servers.map(({ label }) => label),
        startTls: one.startTls,
        checksCertificate: !one.insecure,
        searchesAs: one.login.by === 'account' ? one.login.dn : one.login.by === 'user' ? one.login.template : '',
        userBase: one.users.base,
        groupBase: one.groups.base ?? '',
        require: one.require.map(({ text }) => text),
        admins: one.admins.map(({ text }) => text),
      })),
      ...(config.oidc && {
        oidc: {
          issuer: config.oidc.issuer,
          clientId: config.oidc.clientId,
          label: config.oidc.label,
          scopes: [...config.oidc.scopes],
          adminGroups: [...config.oidc.adminGroups],
          requiredGroups: [...config.oidc.requiredGroups],
        },
      }),
    }),
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/ldap/test',
      tag: 'system',
      summary: 'Goes through a login at each directory, and tells every step',
      access: 'admin',
      request: { body: LoginTestSchema },
      answer: LoginTraceSchema,
    },
    async ({ body: { user, password }, caller, incoming }) => {
      const all = await settings()
      if (all.length === 0)
        throw new AppError('request-invalid', 'no directory is configured: write ldap.url into the configuration file')
      const { traceLogin } = await import('../../identity/ldap/trace.ts')
      tellChange(incoming, caller, 'ldap.test', '', user)
      const until = Date.now() + testMs
      const directories = []
      for (const one of all) {
        if (Date.now() > until) break
        const steps: string[] = []
        const outcome = await traceLogin(one, user, password, (line) => void steps.push(line))
        const groups = outcome?.kind === 'accepted' ? [...new Set(outcome.groups.map(({ name }) => name))] : []
        directories.push({
          name: one.name,
          result: outcome?.kind ?? ('unavailable' as const),
          steps,
          ...(outcome?.kind === 'accepted' && { user: { name: outcome.user.name, admin: outcome.admin, groups } }),
        })
        // As in a login: the first that knows the name decides.
        if (outcome?.kind !== 'unknown') break
      }
      return { accepted: directories.at(-1)?.result === 'accepted', directories }
    },
  )

  addEndpoint(
    api,
    decide,
    {
      method: 'post',
      path: '/oidc/test',
      tag: 'system',
      summary: 'Asks whether the OpenID provider can be reached, and describes itself as it must',
      access: 'admin',
      answer: ReachableSchema,
    },
    async ({ caller, incoming }) => {
      if (!oidc)
        throw new AppError(
          'request-invalid',
          'no provider is configured: write oidc.issuer into the configuration file',
        )
      tellChange(incoming, caller, 'oidc.test', '', config.oidc?.issuer ?? '')
      try {
        const { scheme, host, prefix } = incoming.origin
        await oidc.provider.begin(`${scheme}://${host}${prefix}/api/v1/oidc/callback`)
        return { ok: true }
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        return { ok: false, problem: error.message }
      }
    },
  )
}
