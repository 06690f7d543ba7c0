import { imageMatcher, prefixOfPattern } from '../config/image-pattern.ts'

/** Finds what is said about an image among any number of patterns in about the time of one. */
export interface ImageIndex<Value> {
  find(image: string): Value | undefined
  /** What all images for which something could be found begin with. */
  readonly prefixes: readonly string[]
}

interface Entry<Value> {
  matches: (image: string) => boolean
  value: Value
}

/**
 * An index of values, each with patterns of `imageMatcher`. Patterns are kept by the text before their first star: of a thousand, only those that begin like
 * the image are tried. What is for all images is found first.
 */
export function indexByImage<Value>(values: readonly { images: readonly string[]; value: Value }[]): ImageIndex<Value> {
  const whole = values.find(({ images }) => images.length === 0)?.value
  if (whole !== undefined) return { find: () => whole, prefixes: [''] }
  const byPrefix = new Map<string, Entry<Value>[]>()
  /** Lengths of texts that end within a segment; the others are found by the slashes of an image. */
  const lengths = new Set<number>()
  for (const { images, value } of values) {
    const left = images.filter((pattern) => pattern.startsWith('!'))
    const taken = images.filter((pattern) => !pattern.startsWith('!'))
    for (const pattern of taken.length > 0 ? taken : ['**']) {
      const prefix = prefixOfPattern(pattern)
      const entry = { matches: imageMatcher([pattern, ...left]), value }
      const others = byPrefix.get(prefix)
      if (others) others.push(entry)
      else byPrefix.set(prefix, [entry])
      if (prefix !== pattern && !prefix.endsWith('/')) lengths.add(prefix.length)
    }
  }

  function findUnder(prefix: string, image: string): Value | undefined {
    for (const { matches, value } of byPrefix.get(prefix) ?? []) if (matches(image)) return value
    return undefined
  }

  return {
    prefixes: [...byPrefix.keys()],
    find(image) {
      // No image is called so: whoever asks for it means all of them, and none of these patterns is about all.
      if (image === '') return undefined
      const exact = findUnder(image, image)
      if (exact !== undefined) return exact
      for (let slash = image.indexOf('/'); slash >= 0; slash = image.indexOf('/', slash + 1)) {
        const found = findUnder(image.slice(0, slash + 1), image)
        if (found !== undefined) return found
      }
      for (const length of lengths) {
        const found = length < image.length ? findUnder(image.slice(0, length), image) : undefined
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}

/** Sorted by bytes, without those that begin with another one. */
export function shortestPrefixes(prefixes: readonly string[]): string[] {
  const sorted = [...new Set(prefixes)].sort((a, b) => (a < b ? -1 : 1))
  const kept: string[] = []
  for (const prefix of sorted) if (!prefix.startsWith(kept.at(-1) ?? '\0')) kept.push(prefix)
  return kept
}
