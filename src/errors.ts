/**
 * What can go wrong, in words every room understands. Each protocol owns one table that says how a code looks on its wire;
 * adding a code here does not compile until every table has a line for it.
 */
export type ErrorCode =
  | 'name-invalid'
  | 'image-unknown'
  | 'manifest-unknown'
  | 'manifest-invalid'
  | 'manifest-too-large'
  | 'manifest-reference-unknown'
  | 'tag-invalid'
  | 'blob-unknown'
  | 'digest-invalid'
  | 'size-invalid'
  | 'upload-unknown'
  | 'upload-invalid'
  | 'range-invalid'
  | 'page-invalid'
  | 'request-invalid'
  | 'route-unknown'
  | 'method-unsupported'
  | 'read-only'
  | 'policy-refused'
  | 'changed-meanwhile'
  | 'unauthenticated'
  | 'denied'
  | 'throttled'
  | 'storage-full'
  | 'unavailable'
  | 'repository-offline'
  | 'identity-unavailable'
  | 'upstream-failed'
  | 'upstream-timeout'
  | 'upstream-blocked'
  | 'internal'

export interface ErrorDetails {
  /** What was wrong, as data: the digest, the list of missing references, the expected offset ... Sent to the client. */
  detail?: unknown
  /** The error that led here. Logged, never sent. */
  cause?: unknown
  /** Headers the answer must carry (a challenge, Retry-After, the Range of an upload). */
  headers?: Record<string, string>
}

/** The only error that callers branch on. Anything else that escapes is a bug and is answered as `internal`. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly detail: unknown
  readonly headers: Record<string, string>

  /** `message` is for people: it names what is wrong and, where there is one, the fix. */
  constructor(code: ErrorCode, message: string, { detail, cause, headers = {} }: ErrorDetails = {}) {
    super(message, { cause })
    this.code = code
    this.detail = detail
    this.headers = headers
  }
}
