import { basePath } from '../base.ts'
import type { Operations } from './operations.ts'
import { problemOf, unreachable } from './problem.ts'

export type OperationName = keyof Operations

/** Nothing where nothing is asked for, optional where all of it is. */
type Part<Name extends string, T> = T extends undefined
  ? unknown
  : Record<never, never> extends T
    ? { [K in Name]?: T }
    : { [K in Name]: T }

/** What a request is made of: `params` of the path, `query`, `body`. */
export type Input<Name extends OperationName> = Part<'params', Operations[Name]['params']> &
  Part<'query', Operations[Name]['query']> &
  Part<'body', Operations[Name]['body']>

export interface Answered<T> {
  answer: T
  /** `after` of the next page of a list; undefined at the end. */
  next: string | undefined
}

/** Proves to the server that a change comes from its own page; told with the session. */
let csrfToken = ''

/** To be called whenever a session begins, changes or ends. */
export function setCsrfToken(token: string): void {
  csrfToken = token
}

/** One request to the REST API. Throws `Problem`. */
export async function request<Name extends OperationName>(
  name: Name,
  input: Input<Name>,
  signal?: AbortSignal,
): Promise<Answered<Operations[Name]['answer']>> {
  const [method, template] = name.split(' ') as [string, string]
  const { params, query, body } = input as { params?: object; query?: object; body?: unknown }
  const headers = new Headers({ accept: 'application/json' })
  if (body !== undefined) headers.set('content-type', 'application/json')
  if (method !== 'GET') headers.set('x-csrf-token', csrfToken)
  const response = await fetch(urlOf(template, params, query), {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    throw signal?.aborted ? error : unreachable(error)
  })
  if (!response.ok) throw await problemOf(response)
  const answer = response.status === 204 ? undefined : await response.json()
  return { answer, next: nextOf(response.headers.get('link')) }
}

/** `/repositories/{repository}` and its values as an address on this server. Empty and absent values of the query are left out. */
export function urlOf(template: string, params: object = {}, query: object = {}): string {
  const values = new Map<string, unknown>(Object.entries(params))
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values.get(name))))
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]))
  return `${basePath}api/v1${path}${given.length > 0 ? `?${search}` : ''}`
}

function nextOf(link: string | null): string | undefined {
  const target = link?.match(/<([^>]+)>;\s*rel="next"/)?.[1]
  return target === undefined ? undefined : (new URL(target, location.href).searchParams.get('after') ?? undefined)
}
