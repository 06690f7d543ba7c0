import { OpenAPIHono } from '@hono/zod-openapi'
import type { Decide, ReachOf } from '../access/decide.ts'
import type { Config } from '../config/config.ts'
import type { BlobStore } from '../content/blob-store.ts'
import type { Collector } from '../content/collector.ts'
import type { Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import type { Actor, Tell } from '../events/event.ts'
import type { Images } from '../formats/docker/images/image-source.ts'
import type { Upstreams } from '../formats/docker/images/upstreams.ts'
import type { Checked } from '../http/health.ts'
import type { Handler, Incoming } from '../http/incoming.ts'
import type { OidcProvider } from '../identity/oidc/provider.ts'
import type { OidcUsers } from '../identity/oidc/users.ts'
import type { Accounts } from '../identity/open-identity.ts'
import type { Authenticator } from '../identity/principal.ts'
import type { Sessions } from '../identity/sessions.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Places } from '../repositories/places.ts'
import type { Repositories, Repository } from '../repositories/repositories.ts'
import type { RepositoryService } from '../repositories/service.ts'
import type { Log } from '../telemetry/log.ts'
import { version } from '../version.ts'
import { identify } from './caller.ts'
import type { Api, ApiEnv } from './endpoint.ts'
import { problemResponse } from './problem.ts'
import { addAudit } from './resources/audit.ts'
import { addGrants } from './resources/grants.ts'
import { addIdentity } from './resources/identity.ts'
import { addImages } from './resources/images.ts'
import { addJobs } from './resources/jobs.ts'
import { addManifests } from './resources/manifests.ts'
import { addMe } from './resources/me.ts'
import { addOidcLogin } from './resources/oidc-login.ts'
import { addRepositories } from './resources/repositories.ts'
import { addRepositoryChanges } from './resources/repository-changes.ts'
import { addRepositoryChecks } from './resources/repository-checks.ts'
import { addRobots } from './resources/robots.ts'
import { addSearch } from './resources/search.ts'
import { addServer } from './resources/server.ts'
import { addSession } from './resources/session.ts'
import { addStores } from './resources/stores.ts'
import { addSystem } from './resources/system.ts'
import { addTags } from './resources/tags.ts'
import { addTokens } from './resources/tokens.ts'
import { addUsers } from './resources/users.ts'
import { type TellChange, tellRefused } from './told.ts'

/** What the API works with. */
export interface ApiParts {
  db: Database
  authenticator: Authenticator
  sessions: Sessions
  /** How long a session may live, in seconds. */
  sessionSeconds: number
  /** Set when people may log in with an OpenID provider. */
  oidc: { provider: OidcProvider; users: OidcUsers; label: string } | undefined
  /** Whether people are asked who they are. */
  isOpen: boolean
  decide: Decide
  /** Undefined: everyone reaches everything. */
  reachOf?: ReachOf | undefined
  /** Looks at where requests come from. */
  places?: Pick<Places, 'at' | 'isElsewhere'>
  repositories: Repositories
  imagesOf: (repository: Repository) => Images
  stores: readonly BlobStore[]
  collector: Pick<Collector, 'reclaimable'>
  config: Config
  /** Users, tokens and robots; undefined where nobody has an account here. */
  accounts: Accounts | undefined
  /** Looks at the grants again: after a change of some. */
  refreshAccess: () => Promise<void>
  /** Changes repositories in the name of whoever asks for it. */
  repositoriesAs: (actor: Actor, requestId?: string) => RepositoryService
  upstreams: Upstreams
  jobs: Jobs
  /** What has to be well for the server to serve. */
  checks: readonly Checked[]
  tell: Tell
  /** Tells of a change that was made. */
  tellChange: TellChange
  log: Log
  now: () => number
}

/** Longest body: settings and texts, never content. */
const longestBody = 1_000_000

/** `/api/v1`: REST for the web page, the command line and scripts. Its document is `/api/v1/openapi.json`. */
export function createApi(parts: ApiParts): Handler {
  const api: Api = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return
      const wrong = result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
      const [first] = wrong
      throw new AppError('request-invalid', `${first?.field || 'the request'}: ${first?.message}`, { detail: wrong })
    },
  }).basePath('/api/v1')
  api.onError((error, context) => {
    tellRefused(parts.tell, context.env.incoming, error)
    return problemResponse(error, context.env.incoming, parts.log)
  })
  api.notFound((context) => {
    const { incoming } = context.env
    return problemResponse(
      new AppError('route-unknown', `there is nothing at ${incoming.path.slice(0, 300)}`),
      incoming,
      parts.log,
    )
  })
  api.use('*', async (context, next) => {
    context.set('caller', await identify(context.env.incoming, parts))
    await next()
    context.header('cache-control', 'no-store')
  })
  addSystem(api, parts)
  addSession(api, parts)
  addOidcLogin(api, parts)
  addAudit(api, parts)
  addRepositories(api, parts)
  addRepositoryChanges(api, parts)
  addRepositoryChecks(api, parts)
  addJobs(api, parts)
  addImages(api, parts)
  addTags(api, parts)
  addManifests(api, parts)
  addSearch(api, parts)
  addStores(api, parts)
  addMe(api, parts)
  addUsers(api, parts)
  addGrants(api, parts)
  addTokens(api, parts)
  addRobots(api, parts)
  addIdentity(api, parts)
  addServer(api, parts)
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Entrepot', version, description: 'REST API of an Entrepot registry.' },
  })
  return async (incoming) => {
    incoming.route = 'api'
    try {
      return await api.fetch(await requestOf(incoming), { incoming })
    } catch (error) {
      return problemResponse(error, incoming, parts.log)
    }
  }
}

async function requestOf(incoming: Incoming): Promise<Request> {
  const { method, headers, path, target } = incoming
  const query = target.includes('?') ? target.slice(target.indexOf('?')) : ''
  const hasBody = !['GET', 'HEAD'].includes(method)
  const body = hasBody ? await incoming.bodyWhole(longestBody, tooLarge) : undefined
  return new Request(`http://localhost${path}${query}`, {
    method,
    headers,
    ...(body?.length && { body: body as Uint8Array<ArrayBuffer> }),
  })
}

function tooLarge(): AppError {
  return new AppError('manifest-too-large', `the body is longer than ${longestBody} bytes`)
}
