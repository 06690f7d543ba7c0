/** Whether a tag is meant by one of the patterns: `*` stands for any part of it. No pattern means no tag. */
export function isTagAmong(patterns: readonly string[], tag: string): boolean {
  return patterns.some((pattern) => compile(pattern).test(tag))
}

function compile(pattern: string): RegExp {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll('.', '\\.'))
    .join('.*')
  return new RegExp(`^${source}$`)
}
