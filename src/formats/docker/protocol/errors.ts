import { AppError, type ErrorCode } from '../../../errors.ts'
import type { Incoming } from '../../../http/incoming.ts'
import type { Log } from '../../../telemetry/log.ts'
import { jsonResponse } from './json.ts'

/** How each code looks on this wire: status and error code of distribution-spec, "Error Codes", with Docker's additions. */
const wire = {
  'name-invalid': [400, 'NAME_INVALID'],
  'image-unknown': [404, 'NAME_UNKNOWN'],
  'manifest-unknown': [404, 'MANIFEST_UNKNOWN'],
  'manifest-invalid': [400, 'MANIFEST_INVALID'],
  'manifest-too-large': [413, 'MANIFEST_INVALID'],
  'manifest-reference-unknown': [400, 'MANIFEST_BLOB_UNKNOWN'],
  'tag-invalid': [400, 'TAG_INVALID'],
  'blob-unknown': [404, 'BLOB_UNKNOWN'],
  'digest-invalid': [400, 'DIGEST_INVALID'],
  'size-invalid': [400, 'SIZE_INVALID'],
  'upload-unknown': [404, 'BLOB_UPLOAD_UNKNOWN'],
  'upload-invalid': [400, 'BLOB_UPLOAD_INVALID'],
  'range-invalid': [416, 'BLOB_UPLOAD_INVALID'],
  'page-invalid': [400, 'PAGINATION_NUMBER_INVALID'],
  'request-invalid': [400, 'UNSUPPORTED'],
  'route-unknown': [404, 'UNSUPPORTED'],
  'method-unsupported': [405, 'UNSUPPORTED'],
  'read-only': [405, 'UNSUPPORTED'],
  'policy-refused': [403, 'DENIED'],
  'changed-meanwhile': [412, 'UNSUPPORTED'],
  unauthenticated: [401, 'UNAUTHORIZED'],
  denied: [403, 'DENIED'],
  throttled: [429, 'TOOMANYREQUESTS'],
  'storage-full': [507, 'UNAVAILABLE'],
  unavailable: [503, 'UNAVAILABLE'],
  'repository-offline': [503, 'UNAVAILABLE'],
  'identity-unavailable': [503, 'UNAVAILABLE'],
  'upstream-failed': [502, 'UNAVAILABLE'],
  'upstream-timeout': [504, 'UNAVAILABLE'],
  'upstream-blocked': [503, 'UNAVAILABLE'],
  internal: [500, 'UNKNOWN'],
} satisfies Record<ErrorCode, [status: number, code: string]>

/** What clients are told instead of the reason when the trouble is ours: reasons name folders and hosts. */
const ours: Partial<Record<ErrorCode, string>> = {
  'storage-full': 'the registry has no room left',
  unavailable: 'the registry cannot do this at the moment, try again later',
  internal: 'internal error',
}

/** The answer to whatever was thrown. What is no fault of the client is logged, and goes out as no more than the request id. */
export function errorResponse(thrown: unknown, incoming: Incoming, log: Log): Response {
  const error = asAppError(thrown, incoming)
  const [status, code] = wire[error.code]
  const hidden = ours[error.code]
  if (hidden !== undefined) {
    log.error(error.message, { error: error.cause ?? error, requestId: incoming.id })
    const message = `${hidden}; the log has the reason under request id ${incoming.id}`
    return jsonResponse({ errors: [{ code, message }] }, { status, headers: error.headers })
  }
  const { message, detail } = error
  // Several missing references become one entry each.
  const details = error.code === 'manifest-reference-unknown' && Array.isArray(detail) ? detail : [detail]
  return jsonResponse(
    { errors: details.map((one) => ({ code, message, detail: one })) },
    { status, headers: error.headers },
  )
}

function asAppError(thrown: unknown, { signal }: Incoming): AppError {
  if (thrown instanceof AppError) return thrown
  // Whatever waited for the client rejects with this when the client is gone: it happens every day and is no failure of ours.
  if (signal.aborted && thrown === signal.reason) return new AppError('request-invalid', 'the client went away')
  return new AppError('internal', 'unexpected error', { cause: thrown })
}
