import type { Config } from '../../config/config.ts'
import { createOidcProvider, type OidcProvider } from './provider.ts'

/** The provider of the configuration; undefined when it names none. `send` makes its requests. */
export function configuredOidc({ oidc }: Pick<Config, 'oidc'>, send: typeof fetch): OidcProvider | undefined {
  return oidc && createOidcProvider({ ...oidc, clientSecret: oidc.clientSecret }, send)
}
