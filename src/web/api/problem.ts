import type { Problem as ProblemBody } from './operations.ts'

/** What went wrong with a request: a problem the server told (RFC 9457), or `unreachable` with status 0 when there was no answer. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  /** Under which the server's log has more; empty when no server answered. */
  readonly requestId: string

  constructor({ status, code, title, requestId }: Pick<ProblemBody, 'status' | 'code' | 'title' | 'requestId'>) {
    super(title)
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

/** The problem in an answer; what stands between us and the server answers in forms of its own. */
export async function problemOf(response: Response): Promise<Problem> {
  const { status, statusText, headers } = response
  const body = await response.json().catch(() => ({}))
  return new Problem({
    status,
    code: typeof body.code === 'string' ? body.code : 'unknown',
    title: typeof body.title === 'string' ? body.title : `${status} ${statusText}`,
    requestId: body.requestId ?? headers.get('x-request-id') ?? '',
  })
}

/** No answer at all. */
export function unreachable(error: unknown): Problem {
  return new Problem({ status: 0, code: 'unreachable', title: String(error), requestId: '' })
}

/** Whether somebody has to log in, first or again. */
export function isLoggedOut(error: unknown): boolean {
  return error instanceof Problem && error.status === 401
}
