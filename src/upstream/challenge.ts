/** One way to log in that a server offers. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string
  /** By lower-case name. Empty for a challenge without parameters, or with a bare token. */
  parameters: Record<string, string>
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const parameterPattern = new RegExp(`(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"=][^\\s,"]*))`, 'y')
const schemePattern = new RegExp(`(${token})(?=[\\s,]|$)`, 'y')
const separator = /[\s,]+/y
const anything = /[^\s,]+/y

/**
 * Reads `WWW-Authenticate`: several headers joined by commas, several challenges in one, quoted strings with escapes, names in any case.
 * What cannot be read is skipped. RFC 9110, section 11.6.1.
 */
export function parseChallenges(header: string | null): Challenge[] {
  const found: Challenge[] = []
  const text = header ?? ''
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match) at = pattern.lastIndex
    return match
  }
  while (at < text.length) {
    if (take(separator)) continue
    const parameter = take(parameterPattern)
    if (parameter) {
      const [, name = '', quoted, bare] = parameter
      const current = found.at(-1)
      // The first value of a name holds: a second one is somebody's mistake.
      if (current) current.parameters[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? ''
      continue
    }
    const scheme = take(schemePattern)
    if (scheme) found.push({ scheme: scheme[1]!.toLowerCase(), parameters: {} })
    else if (!take(anything)) at++
  }
  return found
}
