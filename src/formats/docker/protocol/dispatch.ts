import { AppError } from '../../../errors.ts'
import { headOf, isAncientDocker } from '../../../http/compose.ts'
import type { Handler, Incoming } from '../../../http/incoming.ts'
import { offlineRepository } from '../../../repositories/repositories.ts'
import { checkImageName, isImageName } from '../images/names.ts'
import { targetsOf } from '../images/targets.ts'
import { admit, imageScope } from './admit.ts'
import type { Call, ImageCall, ProtocolParts } from './call.ts'
import { errorResponse } from './errors.ts'
import { imageRoutes, parseImagePath, type Route, routes } from './routes.ts'
import { answerToken } from './token.ts'
import { type Subject, tellDenied, tellDone, tellLogin } from './told.ts'

/** Old Docker decides by this header whether it speaks to a v2 registry, also on errors. */
const apiVersion = ['Docker-Distribution-Api-Version', 'registry/2.0'] as const

/**
 * Answers everything under `/v2/`: find the route, find out who asks, decide, act. Errors become answers here and nowhere else. What can be answered at once is,
 * without a promise on the way: a manifest out of memory for somebody who is remembered takes a quarter longer with them.
 */
export function createDockerProtocol(parts: ProtocolParts): Handler {
  return (incoming) => {
    const found: { subject?: Subject } = {}
    const failed = (thrown: unknown): Response => {
      tellDenied(parts.telling, incoming, found.subject, thrown)
      return finished(incoming, errorResponse(thrown, incoming, parts.log))
    }
    const done = (response: Response): Response => {
      if (found.subject) tellDone(parts.telling, incoming, found.subject, response)
      return finished(incoming, response)
    }
    try {
      const response = answer(parts, incoming, found)
      return response instanceof Promise ? response.then(done).catch(failed) : done(response)
    } catch (thrown) {
      return failed(thrown)
    }
  }
}

function finished(incoming: Incoming, answered: Response): Response {
  const response = incoming.method === 'HEAD' && answered.body ? headOf(answered) : answered
  response.headers.set(...apiVersion)
  return response
}

function answer(parts: ProtocolParts, incoming: Incoming, told: { subject?: Subject }): Response | Promise<Response> {
  parts.assertReady()
  if (isAncientDocker(incoming.headers.get('user-agent'))) {
    throw new AppError('route-unknown', 'this Docker is too old: version 1.6 or newer is needed')
  }
  const token = answerToken(parts, incoming)
  if (token) return token
  const general = routes[incoming.path]
  if (general) {
    const route = pick(general, incoming, '')
    return once(admit(parts, incoming, route.action), (principal) => {
      if (route.action === 'enter') tellLogin(parts.telling, incoming, principal)
      return route.handle({ incoming, parts, principal })
    })
  }
  const found = parseImagePath(incoming.path)
  if (!found) throw new AppError('route-unknown', `there is nothing at ${incoming.path.slice(0, 300)}`)
  const route = pick(imageRoutes[found.resource], incoming, found.resource)
  const { name, reference } = found
  checkImageName(name)
  const { repository, image } = parts.repositories.locate(name, () => incoming.query.get('ns'))
  const { action } = route
  told.subject = { action, resource: found.resource, repository: repository.name, image, reference }
  const admitted = admit(parts, incoming, action, {
    targets: targetsOf(repository, image, action, parts.repositories),
    name,
    also: mountScope(incoming),
  })
  return once(admitted, (principal) => {
    if (repository.offline !== undefined) throw offlineRepository(repository)
    if (route.unhurried) incoming.unhurried()
    const images = parts.imagesOf(repository)
    return route.handle({ incoming, parts, principal, repository, images, image, name, reference } satisfies ImageCall)
  })
}

/** Goes on with a value, now when it is there. */
function once<Value>(
  value: Value | Promise<Value>,
  next: (value: Value) => Response | Promise<Response>,
): Response | Promise<Response> {
  return value instanceof Promise ? value.then(next) : next(value)
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

/** A client that wants to mount learns at once that its token should be good for both images. */
function mountScope(incoming: Incoming): string | undefined {
  // The query is read for requests that have one: taking it apart costs as much as all the rest of this.
  if (incoming.method !== 'POST' || !incoming.target.includes('from=')) return undefined
  const from = incoming.query.get('from') ?? ''
  return isImageName(from) ? imageScope(from, 'pull') : undefined
}
