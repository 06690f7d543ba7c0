import type { Action, Target } from '../../../access/decide.ts'
import { AppError } from '../../../errors.ts'
import { headOf, isAncientDocker } from '../../../http/compose.ts'
import type { Handler, Incoming } from '../../../http/incoming.ts'
import { anonymous, type Principal } from '../../../identity/principal.ts'
import { checkImageName } from '../images/names.ts'
import { targetsOf } from '../images/targets.ts'
import type { Call, ImageCall, ProtocolParts } from './call.ts'
import { errorResponse, unauthenticated } from './errors.ts'
import { imageRoutes, parseImagePath, type Route, routes } from './routes.ts'
import { type Subject, tellDenied, tellDone } from './told.ts'

/** Old Docker decides by this header whether it speaks to a v2 registry, also on errors. */
const apiVersion = ['Docker-Distribution-Api-Version', 'registry/2.0'] as const

/** Answers everything under `/v2/`: find the route, find out who asks, decide, act. Errors become answers here and nowhere else. */
export function createDockerProtocol(parts: ProtocolParts): Handler {
  return async (incoming) => {
    let response: Response
    const found: { subject?: Subject } = {}
    try {
      response = await answer(parts, incoming, found)
      if (found.subject) tellDone(parts.telling, incoming, found.subject, response)
    } catch (thrown) {
      response = errorResponse(thrown, incoming, parts.log)
      tellDenied(parts.telling, incoming, found.subject, thrown)
    }
    if (incoming.method === 'HEAD' && response.body) response = headOf(response)
    response.headers.set(...apiVersion)
    return response
  }
}

async function answer(parts: ProtocolParts, incoming: Incoming, told: { subject?: Subject }): Promise<Response> {
  parts.assertReady()
  if (isAncientDocker(incoming.headers.get('user-agent'))) {
    throw new AppError('route-unknown', 'this Docker is too old: version 1.6 or newer is needed')
  }
  const general = routes[incoming.path]
  if (general) {
    const route = pick(general, incoming, '')
    const principal = await admit(parts, incoming, route)
    return route.handle({ incoming, parts, principal })
  }
  const found = parseImagePath(incoming.path)
  if (!found) throw new AppError('route-unknown', `there is nothing at ${incoming.path.slice(0, 300)}`)
  const route = pick(imageRoutes[found.resource], incoming, found.resource)
  checkImageName(found.name)
  const { repository, image } = parts.repositories.locate(found.name, () => incoming.query.get('ns'))
  const { action } = route
  told.subject = { action, resource: found.resource, repository: repository.name, image, reference: found.reference }
  const targets = targetsOf(repository, image, action, parts.repositories)
  const principal = await admit(parts, incoming, route, targets)
  if (route.unhurried) incoming.unhurried()
  const { name, reference } = found
  const images = parts.imagesOf(repository)
  return route.handle({ incoming, parts, principal, repository, images, image, name, reference } satisfies ImageCall)
}

function pick<C extends Call>(methods: Record<string, Route<C>>, incoming: Incoming, resource: string): Route<C> {
  const { method } = incoming
  const route = Object.hasOwn(methods, method) ? methods[method] : method === 'HEAD' ? methods['GET'] : undefined
  if (!route) {
    const allowed = Object.keys(methods).flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]))
    throw new AppError('method-unsupported', `${method} is not supported here`, {
      headers: { allow: [...new Set(allowed)].join(', ') },
    })
  }
  incoming.route = resource || 'base'
  return route
}

/** Who asks, and that they may, with all of the targets. Nothing about the image is looked up before. */
export async function admit(
  parts: Pick<ProtocolParts, 'authenticator' | 'decide' | 'log'>,
  incoming: Incoming,
  { action }: { action: Route<Call>['action'] },
  targets: readonly (Target | undefined)[] = [undefined],
): Promise<Principal> {
  const { authenticator, decide } = parts
  let principal: Principal
  try {
    const verdict = authenticator.authenticate(incoming.headers.get('authorization') ?? undefined, incoming)
    principal = verdict instanceof Promise ? await verdict : verdict
  } catch (error) {
    principal = nobodyInstead(error, parts, incoming, action, targets)
  }
  if (principal.kind !== 'anonymous') incoming.user = principal.name
  if (targets.every((target) => decide(principal, action, target))) return principal
  if (principal.kind === 'anonymous') throw unauthenticated(authenticator)
  // Nothing about the target: which part of a name is a repository would tell that there is one.
  throw new AppError('denied', `${principal.name} may not ${action} here`, { detail: { action } })
}

/**
 * Credentials that are wrong, or cannot be verified now, do not keep anybody from pulling what everybody may pull: docker sends its mirrors the user's password
 * for Docker Hub, and goes past a mirror that refuses it. The failure counts as any other, and for logging in (`enter`) and pushing it is one: throws it then.
 */
function nobodyInstead(
  error: unknown,
  { decide, log }: Pick<ProtocolParts, 'decide' | 'log'>,
  { id }: Incoming,
  action: Action,
  targets: readonly (Target | undefined)[],
): Principal {
  if (!(error instanceof AppError && isAboutLogins(error)) || action !== 'pull') throw error
  if (!targets.every((target) => decide(anonymous, action, target))) throw error
  log.debug(`pulled as nobody: ${error.message}`, { ...targets[0], requestId: id })
  return anonymous
}

const isAboutLogins = ({ code }: AppError) =>
  code === 'unauthenticated' || code === 'throttled' || code === 'unavailable'
