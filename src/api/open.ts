import type { Config } from '../config/config.ts'
import type { Handler } from '../http/incoming.ts'
import { configuredOidc } from '../identity/oidc/configured.ts'
import type { Identity } from '../identity/open-identity.ts'
import { createSessions } from '../identity/sessions.ts'
import type { Outbound } from '../upstream/outbound.ts'
import type { ApiParts } from './api.ts'
import { changesTold } from './told.ts'

/** What the API needs of the rest of the house. */
export interface ApiOptions
  extends Omit<ApiParts, 'config' | 'sessions' | 'sessionSeconds' | 'oidc' | 'isOpen' | 'tellChange'> {
  outbound: Outbound
  identity: Pick<Identity, 'oidcUsers' | 'current' | 'generation'>
}

export interface ApiRoom {
  handler: Handler
  /** Ends sessions whose time is over. */
  sweep(): Promise<number>
}

/** The API as the configuration describes it. It is loaded at its first request: the schemas take longer to build than the rest of the server takes to start. */
export function openApi(config: Config, { outbound, identity, ...parts }: ApiOptions): ApiRoom {
  const { db, now } = parts
  const { idle, longest } = config.sessions
  const { current, generation, oidcUsers } = identity
  const sessions = createSessions({ db, now, idleMs: idle, longestMs: longest, current, generation })
  const send = ((url: string | URL, init?: RequestInit) =>
    fetch(url, { ...init, ...outbound.route(new URL(url)) } as RequestInit)) as typeof fetch
  const provider = configuredOidc(config, send)
  const oidc = provider && oidcUsers && { provider, users: oidcUsers, label: config.oidc?.label ?? '' }
  const tellChange = changesTold(parts.tell)
  const all: ApiParts = {
    ...parts,
    config,
    tellChange,
    sessions,
    sessionSeconds: longest / 1000,
    oidc,
    isOpen: config.auth === 'none',
  }
  let loaded: Promise<Handler> | undefined
  const load = () => {
    loaded ??= import('./api.ts').then(({ createApi }) => createApi(all))
    return loaded
  }
  return { handler: async (incoming) => (await load())(incoming), sweep: sessions.sweep }
}
