import type { Client } from 'acme-client'
import { AppError } from '../errors.ts'
import type { Outbound } from '../upstream/outbound.ts'

export interface OrderSettings {
  /** DNS names; the first is the common name. */
  hosts: readonly string[]
  /** Where the authority writes to; many want one. */
  email: string | undefined
  directoryUrl: string
  /** PEM. Who orders; the authority counts its limits by it. */
  accountKey: string
}

/** Shows the authority that a host is ours (RFC 8555, 8.3: http-01). */
export interface Answering {
  add(token: string, keyAuthorization: string): void
  remove(token: string): void
}

/** How long one request to the authority may take. */
const requestMs = 30_000

/** A private key for an account or a certificate (P-256, PEM). */
export async function makeKey(): Promise<string> {
  const { crypto } = await library()
  return (await crypto.createPrivateEcdsaKey('P-256')).toString()
}

/**
 * Gets one certificate for all hosts from an ACME authority (RFC 8555), proving each by http-01. Resolves to PEM: the new private key, the certificate and
 * its chain. Throws `upstream-failed` with what the authority said.
 */
export async function orderCertificate(
  settings: OrderSettings,
  answering: Answering,
  outbound: Outbound,
): Promise<string> {
  const { Client, axios, crypto } = await library()
  axios.defaults.adapter = (config) => exchange(config as unknown as Exchange, outbound) as never
  const [commonName, ...altNames] = settings.hosts
  try {
    const client: Client = new Client({
      directoryUrl: settings.directoryUrl,
      accountKey: settings.accountKey,
      backoffMin: 1_000,
      backoffMax: 10_000,
    })
    const key = await makeKey()
    const [, csr] = await crypto.createCsr({ commonName: commonName!, altNames }, key)
    const chain = await client.auto({
      csr,
      ...(settings.email !== undefined && { email: settings.email }),
      termsOfServiceAgreed: true,
      skipChallengeVerification: true,
      challengePriority: ['http-01'],
      challengeCreateFn: async (_authorization, challenge, keyAuthorization) => {
        if (challenge.type !== 'http-01') throw new Error(`it offers ${challenge.type} and not http-01`)
        answering.add(challenge.token, keyAuthorization)
      },
      challengeRemoveFn: async (_authorization, challenge) => answering.remove(challenge.token),
    })
    return `${key.trim()}\n${chain.trim()}\n`
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new AppError('upstream-failed', `${settings.directoryUrl} gave no certificate: ${said}`, { cause: error })
  }
}

/** Loaded when it is needed: most installations never do. */
async function library() {
  const loaded = await import('acme-client')
  return loaded.default ?? loaded
}

/** What the library's HTTP client hands to an adapter, as far as ACME needs it. */
interface Exchange {
  url: string
  method?: string
  data?: string
  headers: { toJSON(): Record<string, string> }
}

/** Sends one request by the way that all our outbound requests take: proxies and authorities of `outbound`. */
async function exchange(config: Exchange, outbound: Outbound) {
  const url = new URL(config.url)
  const init = {
    method: (config.method ?? 'GET').toUpperCase(),
    headers: config.headers.toJSON(),
    body: config.data ?? null,
    redirect: 'error',
    signal: AbortSignal.timeout(requestMs),
    ...outbound.route(url),
  } satisfies RequestInit & Record<string, unknown>
  const response = await fetch(url, init)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return {
    config,
    request: {},
    status: response.status,
    statusText: response.statusText,
    headers: Object.fromEntries(response.headers),
    data: isJson && text !== '' ? JSON.parse(text) : text,
  }
}
