import { kind, Wrong } from './kinds.ts'

/** The name of a repository or blob store: one path segment of an image's name (OCI distribution 1.1, "Pulling manifests"). */
export const name = kind<string>('name', (given) => {
  if (given.length <= 128 && /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/.test(given)) return given
  return new Wrong('is not a name', 'use lower-case letters and digits, with . _ __ or - between them, 128 at most')
})

/** The name of a repository, or `*` for all of them. */
export const nameOrAll = kind<string>('name or *', (given, cwd) => (given === '*' ? given : name.parse(given, cwd)))

/** What somebody logs in as. A colon would end it in Basic credentials (RFC 7617, section 2). */
export const userName = kind<string>('user name', (given) =>
  /^[^:\p{C}\p{Zl}\p{Zp}]{1,255}$/u.test(given) && given.trim() === given && !given.startsWith('#')
    ? given
    : new Wrong('is no user name', 'use printable characters without a colon, and no # or space at the start'),
)

/** A hashed password; never shown. */
export const passwordHash = kind<string>(
  'hash',
  (given) =>
    /^\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+$|^\$2[aby]\$(0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}$/.test(
      given,
    )
      ? given
      : new Wrong('is no hash of a password', 'write one of argon2id or bcrypt: htpasswd -nB NAME makes one'),
  { show: () => '***', mask: () => '***' },
)

/** Images of a repository: `team/app`, `team-*`, `library/**`; with `!` in front, those it does not match. */
export const imagePattern = kind<string>('image pattern', (given) => {
  const [, pattern = ''] = /^!?(.*)$/.exec(given) ?? []
  if (pattern.length <= 255 && /^[a-z0-9._*-]+(\/[a-z0-9._*-]+)*$/.test(pattern) && !pattern.includes('***'))
    return given
  return new Wrong(
    'is no pattern of images',
    'write image names with * for a part of a segment and ** for any: library/**',
  )
})

/** Names with one `*` in them. */
export const robotNamePattern = kind<string>('name pattern', (given) =>
  /^[A-Za-z0-9._@$+-]{0,60}\*[A-Za-z0-9._@$+-]{0,60}$/.test(given)
    ? given
    : new Wrong('is not a pattern of names', 'write one * and letters, digits or ._@$+- around it, as in robot-*'),
)
