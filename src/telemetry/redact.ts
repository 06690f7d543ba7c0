/** Field names whose values are never logged, wherever they stand. */
const secretName =
  /authorization|password|passwd|secret|cookie|credential|private.?key|^(?:.*[_-])?(?:api.?key|token)$/i
const urlPassword = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]*@/gi
const bearer = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}/g
const deepest = 6

/** Hides what looks like a secret inside a text: `https://user:pass@host` -> `https://***@host`, `Bearer abc` -> `Bearer ***`. */
export function redactText(text: string): string {
  if (!text.includes('://') && !text.includes('Bearer ') && !text.includes('Basic ')) return text
  return text.replace(urlPassword, '$1***@').replace(bearer, '$1 ***')
}

/** A copy fit for a log: secrets hidden by field name and by look, errors as data with their causes. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth >= deepest) return '[...]'
  if (value instanceof Error) return redactError(value, depth)
  if (value instanceof Headers) return redact(Object.fromEntries(value.entries()), depth)
  if (value instanceof URL) return redactText(value.href)
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  const copy: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value))
    copy[name] = item != null && secretName.test(name) ? '***' : redact(item, depth + 1)
  return copy
}

function redactError(error: Error & { code?: unknown }, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: redactText(error.message),
    ...(error.code !== undefined && { code: error.code }),
    ...(error.stack && { stack: redactText(error.stack) }),
    ...(error.cause !== undefined && { cause: redact(error.cause, depth + 1) }),
  }
}
