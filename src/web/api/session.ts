import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import type { Session, System } from './operations.ts'
import { isLoggedOut } from './problem.ts'
import { reading } from './queries.ts'
import { request, setCsrfToken } from './request.ts'

/** Version, and how to log in. */
export const systemQuery = { ...reading('GET /system', {}), staleTime: Number.POSITIVE_INFINITY }

/** Who this browser is; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return entered((await request('GET /session', {}, signal)).answer)
    } catch (error) {
      if (!isLoggedOut(error)) throw error
      return entered(null)
    }
  },
})

/** Takes over the token of a session. */
export function entered<T extends Session | null>(session: T): T {
  setCsrfToken(session?.csrf ?? '')
  return session
}

export interface Me {
  system: System
  session: Session | null
  /** Whether pages for administrators are shown; what they may do the server decides. */
  isAdmin: boolean
}

/** Who uses the page. */
export function useMe(): Me {
  const system = useSuspenseQuery(systemQuery).data.answer
  const session = useSuspenseQuery(sessionQuery).data
  return { system, session, isAdmin: system.open || session?.user.admin === true }
}
