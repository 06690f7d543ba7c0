import { createServer } from 'node:http'
import Provider from 'oidc-provider'
import { freePort } from '../helpers/process.ts'

/** Somebody whom the provider knows. */
export interface OidcPerson {
  name: string
  groups: string[]
}

export interface OidcService {
  readonly issuer: string
  readonly client: { clientId: string; clientSecret: string }
  /** Whom the provider takes the next browser for. */
  person: OidcPerson
  stop(): Promise<void>
}

/** An OpenID provider that is certified for what it does; in place of its pages it lets in whoever `person` says. */
export async function startOidcProvider(redirectUris: string[]): Promise<OidcService> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const client = { clientId: 'entrepot', clientSecret: 'a-secret-of-the-test' }
  const people = new Map<string, OidcPerson>()
  const service = { person: { name: 'ada', groups: [] as string[] } }
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        redirect_uris: redirectUris,
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => {
        const { name = '', groups = [] } = people.get(id) ?? {}
        return { sub: id, preferred_username: name, groups, email: `${name}@example.com` }
      },
    }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['test'] },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  })
  const callback = provider.callback()
  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void callback(request, response)
    interact(request, response).catch((error) => {
      response.statusCode = 500
      response.end(String(error))
    })
  })
  async function interact(request: Parameters<typeof callback>[0], response: Parameters<typeof callback>[1]) {
    const { prompt, params, session } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login') {
      const { person } = service
      people.set(`id-of-${person.name}`, person)
      return provider.interactionFinished(request, response, { login: { accountId: `id-of-${person.name}` } })
    }
    const grant = new provider.Grant({ accountId: session?.accountId, clientId: params['client_id'] as string })
    grant.addOIDCScope('openid profile email')
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
  }
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return Object.assign(service, {
    issuer,
    client,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  })
}
