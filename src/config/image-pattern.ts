/**
 * Whether an image is meant by patterns as members of groups and grants carry them: `*` stands for any part of a segment, `**` for any number of segments
 * (`library/**` is everything below `library`, `**` everything), `!` before a pattern takes out what it matches. Only taking out starts from all.
 * An empty list means every image.
 */
export function imageMatcher(patterns: readonly string[]): (image: string) => boolean {
  if (patterns.length === 0) return () => true
  const taken = patterns.filter((pattern) => !pattern.startsWith('!')).map(matcherOf)
  const left = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => matcherOf(pattern.slice(1)))
  const isTaken =
    taken.length === 1 ? taken[0]! : (image: string) => taken.length === 0 || taken.some((matches) => matches(image))
  return left.length === 0 ? isTaken : (image) => isTaken(image) && !left.some((matches) => matches(image))
}

/** What every image that the pattern matches begins with. */
export function prefixOfPattern(pattern: string): string {
  const star = pattern.indexOf('*')
  return star < 0 ? pattern : pattern.slice(0, star)
}

/** One pattern without `!`. Most have their only stars at the end. */
function matcherOf(pattern: string): (image: string) => boolean {
  const prefix = prefixOfPattern(pattern)
  const rest = pattern.slice(prefix.length)
  if (rest === '') return (image) => image === prefix
  if (rest === '**') return (image) => image.startsWith(prefix)
  return (image) => image.startsWith(prefix) && matchesRest(rest, image.slice(prefix.length))
}

/**
 * Patterns may come from whoever may make a token, so this never takes longer than the product of the lengths, unlike a regular expression with many stars: after
 * a mismatch only the last `*` takes one character more, and where that is a slash, the last `**`.
 */
function matchesRest(pattern: string, image: string): boolean {
  let [p, i] = [0, 0]
  let [starP, starI] = [-1, 0]
  let [deepP, deepI] = [-1, 0]
  while (true) {
    if (pattern.startsWith('**', p)) {
      ;[deepP, deepI, starP] = [p + 2, i, -1]
      p += 2
    } else if (pattern[p] === '*') {
      ;[starP, starI] = [p + 1, i]
      p += 1
    } else if (i < image.length && pattern[p] === image[i]) {
      p += 1
      i += 1
    } else if (i === image.length && p === pattern.length) {
      return true
    } else if (starP >= 0 && starI < image.length && image[starI] !== '/') {
      starI += 1
      ;[p, i] = [starP, starI]
    } else if (deepP >= 0 && deepI < image.length) {
      deepI += 1
      ;[p, i, starP] = [deepP, deepI, -1]
    } else {
      return false
    }
  }
}
