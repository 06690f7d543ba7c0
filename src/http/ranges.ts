import type { ByteRange } from '../storage/driver.ts'

/** What a `Range` header asks of an object of known size. */
export type RangeAnswer =
  /** 200 and the whole object. */
  | { kind: 'whole' }
  /** 206: one part as it is, several as multipart/byteranges, in the order asked for. */
  | { kind: 'parts'; parts: ByteRange[] }
  /** 416. */
  | { kind: 'unsatisfiable' }

const whole: RangeAnswer = { kind: 'whole' }
const unsatisfiable: RangeAnswer = { kind: 'unsatisfiable' }

/** More ranges than this in one request are answered with the whole object: clients that read chunked layers send some hundreds. */
export const maximumRanges = 1024
/** With more ranges than this, the parts together may be at most twice the object: overlapping ranges must not turn a small request into a flood. */
const freeRanges = 32

/**
 * RFC 9110 section 14, with the registry conformance program's one deviation: a range whose end lies before its start (`500-0`) is unsatisfiable
 * instead of ignored. Other units and malformed headers mean the whole object. Of several ranges the unsatisfiable ones are left out.
 */
export function parseRange(header: string | null, size: number): RangeAnswer {
  if (header === null) return whole
  const match = /^\s*bytes\s*=(.*)$/i.exec(header)
  if (!match) return whole
  const specs = (match[1] as string).split(',')
  if (specs.length > maximumRanges) return whole
  const parts: ByteRange[] = []
  let total = 0
  for (const spec of specs) {
    const numbers = /^\s*([0-9]*)\s*-\s*([0-9]*)\s*$/.exec(spec)
    if (!numbers || (numbers[1] === '' && numbers[2] === '')) return whole
    const part = resolvePart(numbers[1] as string, numbers[2] as string, size)
    if (!part) continue
    parts.push(part)
    total += part.last - part.first + 1
  }
  if (parts.length === 0) return unsatisfiable
  if (parts.length > freeRanges && total > 2 * size) return whole
  return { kind: 'parts', parts }
}

function resolvePart(first: string, last: string, size: number): ByteRange | undefined {
  if (first === '') {
    const length = Number(last)
    return length === 0 || size === 0 ? undefined : { first: Math.max(0, size - length), last: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start >= size || end < start ? undefined : { first: start, last: end }
}

/** RFC 9110 section 13.1.5: the range counts only for the very version that the client holds part of. Weak tags never match; dates are not used here. */
export function ifRangeHolds(ifRange: string | null, etag: string | null): boolean {
  if (ifRange === null) return true
  return etag !== null && !etag.startsWith('W/') && ifRange.trim() === etag
}
