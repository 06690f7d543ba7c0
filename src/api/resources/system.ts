import { z } from '@hono/zod-openapi'
import { version } from '../../version.ts'
import type { ApiParts } from '../api.ts'
import { type Api, addEndpoint } from '../endpoint.ts'

const SystemSchema = z
  .object({
    version: z.string(),
    /** Ways to log in, in the order to offer them. */
    logins: z.array(z.object({ kind: z.enum(['password', 'oidc']), label: z.string() })),
    /** Everyone may do everything: nobody logs in. */
    open: z.boolean(),
  })
  .openapi('System')

/** What a page needs to know before anyone has logged in. */
export function addSystem(api: Api, { decide, oidc, isOpen }: ApiParts): void {
  addEndpoint(
    api,
    decide,
    {
      method: 'get',
      path: '/system',
      tag: 'system',
      summary: 'Version, and how to log in',
      access: 'anyone',
      answer: SystemSchema,
    },
    () => {
      const password = { kind: 'password' as const, label: '' }
      const logins = isOpen ? [] : oidc ? [{ kind: 'oidc' as const, label: oidc.label }, password] : [password]
      return { version, logins, open: isOpen }
    },
  )
}
