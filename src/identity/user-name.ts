/**
 * Says what is wrong with a name for a new user; undefined when it may be used. A colon would end the name in an htpasswd file
 * and in Basic credentials, and a `#` at the start would make its line a comment.
 */
export function problemWithUserName(name: string): string | undefined {
  if (name === '') return 'a user name must not be empty'
  if (Buffer.byteLength(name) > 255) return 'a user name may be at most 255 bytes long'
  if (name.includes(':')) return 'a user name must not contain a colon'
  if (name.startsWith('#')) return 'a user name must not start with #'
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(name)) return 'a user name must consist of printable characters'
  if (name.trim() !== name) return 'a user name must not start or end with a space'
  return undefined
}
