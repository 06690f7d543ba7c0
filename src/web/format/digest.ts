/** The beginning of a digest, enough for people: `sha256:4f5a9c01b2d3`. */
export function shortDigest(digest: string): string {
  const [algorithm = '', hex] = digest.split(':')
  return hex === undefined ? digest : `${algorithm}:${hex.slice(0, 12)}`
}

/** Whether a reference is a digest and no tag. */
export function isDigest(reference: string): boolean {
  return reference.includes(':')
}
