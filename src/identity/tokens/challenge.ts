import type { WantedToken } from '../principal.ts'

/**
 * The challenge of distribution's "Token Authentication Specification": where to get a token, and for what. In this order and always quoted, as some
 * clients read it with a pattern.
 */
export function writeBearerChallenge(
  realm: string,
  service: string,
  { scope, error, description }: WantedToken = {},
): string {
  const parameters = { realm, service, scope, error, error_description: description }
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${quotable(value)}"`],
  )
  return `Bearer ${written.join(',')}`
}

/** RFC 9110 section 5.6.4. */
function quotable(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
}
