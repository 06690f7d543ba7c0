/**
 * The parts of a DN (RFC 4514) from the entry upwards, in a form that can be compared: types and values in lower case, escapes
 * resolved, spaces evened out. Undefined for a text that is none.
 */
export function partsOfDn(text: string): string[] | undefined {
  const parts = rawParts(text)
  if (parts === undefined) return undefined
  const even = parts.map(({ type, value }) => `${type.toLowerCase()}=${value.toLowerCase().replace(/\s+/g, ' ')}`)
  return even
}

/** The value of the first part, escapes resolved: `developers` of `cn=developers,ou=groups,dc=example,dc=com`. */
export function nameInDn(text: string): string | undefined {
  return rawParts(text)?.[0]?.value
}

/**
 * The parts of a DN with their values as they are, for one that somebody else's decision hangs on: undefined also for what could be read in more than one way, such as
 * parts of several values (`cn=a+uid=b`), quotes and encoded values.
 */
export function plainPartsOfDn(text: string): { type: string; value: string }[] | undefined {
  const isPlain = !/["+;<>]|=\s*#/.test(text.replace(/\\./gs, ''))
  return isPlain ? rawParts(text) : undefined
}

/** The type of the first part in lower case, `uid`, with its value. */
export function firstOfDn(text: string): { type: string; value: string } | undefined {
  const first = rawParts(text)?.[0]
  return first && { type: first.type.toLowerCase(), value: first.value }
}

/** Whether two texts are the same DN. */
export function isSameDn(one: string, other: string): boolean {
  const [left, right] = [partsOfDn(one), partsOfDn(other)]
  return left !== undefined && right !== undefined && left.join('\n') === right.join('\n')
}

/** Whether an entry is somewhere below a DN, or is that entry. */
export function isWithin(dn: string, base: string): boolean {
  const [parts, tail] = [partsOfDn(dn), partsOfDn(base)]
  if (parts === undefined || tail === undefined) return false
  return parts.slice(Math.max(0, parts.length - tail.length)).join('\n') === tail.join('\n')
}

/** A value as it may stand in a DN, whatever it is (RFC 4514 section 2.4). */
export function escapeForDn(value: string): string {
  const escaped = value.replace(/[\\"+,;<>=]/g, '\\$&').replaceAll('\0', '\\00')
  return escaped.replace(/^[ #]|(?<=.) $/gs, '\\$&')
}

/** One `type=value` for each level; of `cn=a+uid=b` the value is `a+uid=b`. */
function rawParts(text: string): { type: string; value: string }[] | undefined {
  const parts: { type: string; value: string }[] = []
  for (const piece of split(text)) {
    const [, type, value] = /^\s*([a-z0-9.-]+)\s*=\s*(.*)$/is.exec(piece) ?? []
    if (type === undefined || value === undefined) return undefined
    parts.push({ type, value: unescaped(value) })
  }
  return parts.length > 0 ? parts : undefined
}

function split(text: string): string[] {
  const pieces: string[] = []
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ',') {
      pieces.push(text.slice(from, at))
      from = at + 1
    }
  }
  pieces.push(text.slice(from))
  return pieces
}

/** Resolves `\,` and `\C3\A4`. Spaces at the end count only when they are escaped. */
function unescaped(value: string): string {
  const trimmed = value.replace(/\s+$/, (spaces, at: number) => (value[at - 1] === '\\' ? spaces[0]! : ''))
  return trimmed.replace(/(?:\\[0-9a-f]{2})+|\\(.)/gis, (run, single: string | undefined) =>
    single === undefined ? Buffer.from(run.replaceAll('\\', ''), 'hex').toString('utf8') : single,
  )
}
