import { HTTPException } from 'hono/http-exception'
import { AppError, type ErrorCode } from '../errors.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Log } from '../telemetry/log.ts'

/** How each code looks on this wire. */
const statuses = {
  'name-invalid': 400,
  'image-unknown': 404,
  'manifest-unknown': 404,
  'manifest-invalid': 400,
  'manifest-too-large': 413,
  'manifest-reference-unknown': 400,
  'tag-invalid': 400,
  'blob-unknown': 404,
  'digest-invalid': 400,
  'size-invalid': 400,
  'upload-unknown': 404,
  'upload-invalid': 400,
  'range-invalid': 416,
  'page-invalid': 400,
  'request-invalid': 400,
  'route-unknown': 404,
  'method-unsupported': 405,
  'read-only': 405,
  'policy-refused': 403,
  'changed-meanwhile': 412,
  unauthenticated: 401,
  denied: 403,
  throttled: 429,
  'storage-full': 507,
  unavailable: 503,
  'repository-offline': 503,
  'identity-unavailable': 503,
  'upstream-failed': 502,
  'upstream-timeout': 504,
  'upstream-blocked': 503,
  internal: 500,
} satisfies Record<ErrorCode, number>

/** What clients are told instead of the reason when the trouble is ours: reasons name folders and hosts. */
const ours: Partial<Record<ErrorCode, string>> = {
  'storage-full': 'the server has no room left',
  unavailable: 'the server cannot do this at the moment, try again later',
  internal: 'internal error',
}

/** An error as RFC 9457 writes it. */
export interface Problem {
  status: number
  /** Word of `ErrorCode`, for programs. */
  code: string
  /** A sentence for people. */
  title: string
  /** What was wrong, as data. */
  detail?: unknown
  /** Under which the log has more. */
  requestId: string
}

/** The answer to whatever was thrown. What is no fault of the caller is logged, and goes out as no more than the request id. */
export function problemResponse(thrown: unknown, { id: requestId }: Incoming, log: Log): Response {
  const error = asAppError(thrown)
  const hidden = ours[error.code]
  if (hidden !== undefined) log.error(error.message, { error: error.cause ?? error, requestId })
  const problem: Problem = {
    status: statuses[error.code],
    code: error.code,
    title: hidden ?? error.message,
    ...(hidden === undefined && error.detail !== undefined && { detail: error.detail }),
    requestId,
  }
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...error.headers, 'content-type': 'application/problem+json' },
  })
}

function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  // What the framework refuses before a schema sees it: a body that is no JSON.
  if (thrown instanceof HTTPException && thrown.status === 400)
    return new AppError('request-invalid', thrown.message, { cause: thrown })
  return new AppError('internal', 'unexpected error', { cause: thrown })
}
