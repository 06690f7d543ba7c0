/** Images that are remembered, and how long: then the order of the members decides again, however often the image is asked for. */
const capacity = 20_000
const rememberedMs = 10 * 60_000

/** How long a member that was in trouble is asked after the others. */
const troubledMs = 15_000

/** What a group has learnt of its members: nothing that is lost with the process is missed. */
export interface GroupMemory {
  /** Name of the member in which the image was found last. */
  placeOf(image: string): string | undefined
  found(image: string, member: string): void
  /** Just now: the others are asked first. */
  isTroubled(member: string): boolean
  /** It was in trouble and has not answered since: nobody waits for it alone. */
  isDoubted(member: string): boolean
  troubled(member: string): void
  well(member: string): void
}

export function createGroupMemory(now: () => number): GroupMemory {
  const places = new Map<string, { member: string; until: number }>()
  /** Until when it is asked last. Kept until it is well. */
  const troubles = new Map<string, number>()
  return {
    placeOf(image) {
      const place = places.get(image)
      return place && place.until > now() ? place.member : undefined
    },
    found(image, member) {
      const known = places.get(image)
      if (known?.member === member && known.until > now()) return
      places.delete(image)
      if (places.size >= capacity) places.delete(places.keys().next().value as string)
      places.set(image, { member, until: now() + rememberedMs })
    },
    isTroubled: (member) => (troubles.get(member) ?? 0) > now(),
    isDoubted: (member) => troubles.has(member),
    troubled: (member) => void troubles.set(member, now() + troubledMs),
    well: (member) => void troubles.delete(member),
  }
}
