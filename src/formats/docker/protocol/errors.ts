import { AppError, type ErrorCode } from '../../../errors.ts'
import type { Authenticator } from '../../../identity/principal.ts'

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
  unauthenticated: [401, 'UNAUTHORIZED'],
  denied: [403, 'DENIED'],
  throttled: [429, 'TOOMANYREQUESTS'],
  'storage-full': [507, 'UNAVAILABLE'],
  unavailable: [503, 'UNAVAILABLE'],
  'upstream-failed': [502, 'UNAVAILABLE'],
  'upstream-timeout': [504, 'UNAVAILABLE'],
  internal: [500, 'UNKNOWN'],
} satisfies Record<ErrorCode, [status: number, code: string]>

/** The answer to an error. Several missing references become one entry each; nothing of an `internal` error but the request id goes out. */
export function errorResponse(error: AppError, requestId: string): Response {
  const [status, code] = wire[error.code]
  const message =
    error.code === 'internal' ? `internal error; the log has the reason under request id ${requestId}` : error.message
  const detail = error.code === 'internal' ? undefined : error.detail
  const details = error.code === 'manifest-reference-unknown' && Array.isArray(detail) ? detail : [detail]
  return Response.json(
    { errors: details.map((one) => ({ code, message, detail: one })) },
    { status, headers: error.headers },
  )
}

/** An error that nobody expected, as one that can be answered. */
export function asAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal', 'unexpected error', { cause: error })
}

/** Asks for a login, in the way this server wants it. */
export function unauthenticated({ challenge }: Authenticator): AppError {
  return new AppError('unauthenticated', 'log in first: docker login', {
    headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
  })
}
