import { expect } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestRegistry } from './registry.ts'

/** Who asks, as `Authorization` says it; undefined: nobody. */
export type Who = { name: string; password: string } | undefined

/** The answer of the API, read. */
export interface ApiAnswer<T> {
  status: number
  body: T
  headers: Headers
}

/** Asks the API of a registry as programs do. */
export function apiOf(registry: TestRegistry) {
  /** The admin of the first start. */
  const admin = () => ({
    name: 'admin',
    password: readFileSync(join(registry.dataDir, 'admin.password'), 'utf8').trim(),
  })

  async function call<T = Record<string, unknown>>(
    who: Who,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const authorization = who && `Basic ${Buffer.from(`${who.name}:${who.password}`).toString('base64')}`
    const all = {
      ...(authorization && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    }
    const sent = body === undefined ? undefined : JSON.stringify(body)
    const response = await registry.app().handler(registry.incoming(method, `/api/v1${path}`, all, { body: sent }))
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (/json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined) as T,
    }
  }

  return {
    admin,
    call,
    /** Asks, and the status must be this one. */
    async expect<T = Record<string, unknown>>(
      status: number,
      who: Who,
      method: string,
      path: string,
      body?: unknown,
      headers?: Record<string, string>,
    ): Promise<T> {
      const answer = await call<T>(who, method, path, body, headers)
      if (answer.status !== status)
        throw new Error(`${method} ${path}: expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`)
      return answer.body
    },
    /** Asks, and it must be refused with this status and code. Returns the title of the problem. */
    async refused(
      status: number,
      code: string,
      who: Who,
      method: string,
      path: string,
      body?: unknown,
    ): Promise<string> {
      const answer = await call<{ code: string; title: string }>(who, method, path, body)
      expect({ status: answer.status, code: answer.body?.code, title: answer.body?.title }).toMatchObject({
        status,
        code,
      })
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      return answer.body.title
    },
    /** Waits until a job has ended. */
    async ended(who: Who, id: number): Promise<{ state: string; progress: Record<string, number>; error?: string }> {
      for (let round = 0; round < 400; round++) {
        const { body } = await call<{ state: string; progress: Record<string, number> }>(who, 'GET', `/jobs/${id}`)
        if (!['waiting', 'running'].includes(body.state)) return body
        await sleep(25)
      }
      throw new Error(`job ${id} did not end`)
    },
  }
}
