/**
 * Whether an image is meant by patterns as members of groups carry them: `*` stands for any part of a segment, `**` for any number of segments
 * (`library/**` is everything below `library`, `**` everything), `!` before a pattern takes out what it matches. Only taking out starts from all.
 * An empty list means every image.
 */
export function imageMatcher(patterns: readonly string[]): (image: string) => boolean {
  if (patterns.length === 0) return () => true
  const taken = patterns.filter((pattern) => !pattern.startsWith('!')).map(compile)
  const left = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => compile(pattern.slice(1)))
  return (image) =>
    (taken.length === 0 || taken.some((pattern) => pattern.test(image))) && !left.some((pattern) => pattern.test(image))
}

function compile(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replaceAll('.', '\\.')))
    .join('')
  return new RegExp(`^${source}$`)
}
