/** Numbers from 0 up to and without `below`, the same for each seed. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Up to `count` different texts of at most `longest` of these characters: many of them begin like others, or are how others begin. */
export function randomNames(seed: number, count: number, characters: string, longest: number): string[] {
  const random = createRandom(seed)
  const names = new Set<string>()
  for (let tries = 0; names.size < count && tries < count * 10; tries++) {
    const length = 1 + random(longest)
    names.add(Array.from({ length }, () => characters[random(characters.length)]).join(''))
  }
  return [...names]
}
