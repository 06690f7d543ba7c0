import { type HashKind, kindOfHash } from './passwords.ts'

/** A user's line in an htpasswd file. */
export interface HtpasswdEntry {
  name: string
  hash: string
  kind: HashKind
  /** Counted from 1. */
  line: number
}

/** What a file says. A name that stands twice counts where it stands first, as Apache reads it. */
export interface Htpasswd {
  entries: Map<string, HtpasswdEntry>
  /** What a person should repair, each naming its line; never a hash. */
  warnings: string[]
}

/** Reads the text of an htpasswd file: comments, blank lines, CRLF and a byte order mark are fine. Never throws: what cannot be used is a warning. */
export function parseHtpasswd(text: string): Htpasswd {
  const entries = new Map<string, HtpasswdEntry>()
  const warnings: string[] = []
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const content = raw.trim()
    if (content === '' || content.startsWith('#')) continue
    const line = index + 1
    const name = userOfLine(raw)
    if (name === undefined) {
      warnings.push(`line ${line} is not "user:hash" and is ignored`)
      continue
    }
    const hash = content.split(':')[1]?.trim() ?? ''
    const earlier = entries.get(name)
    if (earlier)
      warnings.push(`line ${line}: user "${name}" already stands on line ${earlier.line}, which is the one that counts`)
    else entries.set(name, { name, hash, kind: kindOfFileHash(hash), line })
  }
  return { entries, warnings: [...warnings, ...[...entries.values()].flatMap(warningsFor)] }
}

/** The text with this user's hash changed in place, or a line added at the end. Every other line stays as it is. */
export function withUser(text: string, name: string, hash: string): string {
  const lines = text.split('\n')
  const ending = text.includes('\r\n') ? '\r' : ''
  const found = lines.findIndex((line, index) => userOfLine(line, index) === name)
  if (found !== -1) return lines.with(found, `${name}:${hash}${ending}`).join('\n')
  const separator = text === '' || text.endsWith('\n') ? '' : `${ending}\n`
  return `${text}${separator}${name}:${hash}${ending}\n`
}

/** The text without this user: without every line of theirs, since removing the first would bring a second to life. Undefined when there is none. */
export function withoutUser(text: string, name: string): string | undefined {
  const lines = text.split('\n')
  const kept = lines.filter((line, index) => userOfLine(line, index) !== name)
  return kept.length === lines.length ? undefined : kept.join('\n')
}

/** The name that a line is about; undefined for comments and anything else. */
function userOfLine(line: string, index = -1): string | undefined {
  const content = (index === 0 ? line.replace(/^\uFEFF/, '') : line).trim()
  const colon = content.indexOf(':')
  return colon < 1 || content.startsWith('#') ? undefined : content.slice(0, colon)
}

/** No program writes argon2id into these files, and its cost would be whatever the file says. */
function kindOfFileHash(hash: string): HashKind {
  const kind = kindOfHash(hash)
  return kind === 'argon2id' ? 'refused' : kind
}

function warningsFor({ name, kind, hash, line }: HtpasswdEntry): string[] {
  const fix = `renew it with "entrepot user add ${name} --htpasswd FILE"`
  if (kind === 'apr1' || kind === 'sha1')
    return [
      `line ${line}: the password of "${name}" is stored as ${kind === 'apr1' ? '$apr1$ (MD5)' : '{SHA}'}, which is quickly guessed; ${fix}`,
    ]
  if (kind === 'refused') return [`line ${line}: user "${name}" cannot enter: ${reasonFor(hash)}; ${fix}`]
  return []
}

function reasonFor(hash: string): string {
  if (hash === '') return 'there is no password'
  if (/^\$[56]\$/.test(hash)) return 'crypt hashes ($5$, $6$) are not supported'
  if (/^\$2[abxy]?\$/.test(hash)) return 'this bcrypt hash is damaged or costs more than 17'
  if (/^\$apr1\$|^\{SHA\}/.test(hash)) return 'this hash is damaged'
  return 'its password is stored in the clear or in an unknown form'
}
