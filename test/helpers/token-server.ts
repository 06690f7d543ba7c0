import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Certificates } from './openssl.ts'

export interface TokenRequest {
  method: string
  service: string | null
  scopes: string[]
  account: string | null
  authorization: string | null
  form: Record<string, string>
}

export interface TokenServerOptions {
  /** Signs tokens that a registry with this authority as `rootcertbundle` believes. */
  certificates: Certificates
  issuer: string
  /** Who may enter; without it everyone gets tokens. */
  account?: { username: string; password: string; identityToken?: string }
  /** `expires_in` of the tokens. Default 300. */
  seconds?: number
}

/** A token service as docker-registry's `auth.token` wants one: it grants what is asked for to whoever it lets in. */
export interface TokenServer {
  readonly realm: string
  readonly requests: TokenRequest[]
  stop(): Promise<void>
}

/** Distribution's "Token Authentication Specification", with ES256 and the certificate in the header. */
export function startTokenServer({ certificates, issuer, account, seconds = 300 }: TokenServerOptions): TokenServer {
  const key = createPrivateKey(readFileSync(certificates.key))
  const chain = [new X509Certificate(readFileSync(certificates.cert)).raw.toString('base64')]
  const requests: TokenRequest[] = []

  function tokenFor(service: string, scopes: string[]): string {
    const now = Math.floor(Date.now() / 1000)
    const access = scopes.map((scope) => {
      const first = scope.indexOf(':')
      const last = scope.lastIndexOf(':')
      return {
        type: scope.slice(0, first),
        name: scope.slice(first + 1, last),
        actions: scope.slice(last + 1).split(','),
      }
    })
    const claims = {
      iss: issuer,
      sub: 'someone',
      aud: service,
      exp: now + seconds,
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access,
    }
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ typ: 'JWT', alg: 'ES256', x5c: chain })}.${part(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const url = new URL(request.url)
      const form = request.method === 'POST' ? Object.fromEntries(new URLSearchParams(await request.text())) : {}
      const scopes =
        request.method === 'POST' ? (form['scope'] ?? '').split(' ').filter(Boolean) : url.searchParams.getAll('scope')
      const service = form['service'] ?? url.searchParams.get('service')
      const authorization = request.headers.get('authorization')
      requests.push({
        method: request.method,
        service,
        scopes,
        account: url.searchParams.get('account'),
        authorization,
        form,
      })
      if (account) {
        const basic = `Basic ${btoa(`${account.username}:${account.password}`)}`
        const isIn =
          request.method === 'POST' ? form['refresh_token'] === account.identityToken : authorization === basic
        if (!isIn) return Response.json({ errors: [{ code: 'UNAUTHORIZED' }] }, { status: 401 })
      }
      return Response.json({ token: tokenFor(service ?? '', scopes), expires_in: seconds })
    },
  })
  return { realm: `http://127.0.0.1:${server.port}/token`, requests, stop: () => server.stop(true) }
}
