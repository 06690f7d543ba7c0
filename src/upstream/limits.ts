/** What an upstream says about how much it still gives: Docker Hub's pull limit. */
export interface PullLimit {
  limit: number
  remaining: number
  /** Seconds the count is for. */
  windowSeconds: number | undefined
  /** For whom is counted: an address, or the id of an account. */
  source: string | undefined
  seenAt: Date
}

/** Reads `ratelimit-limit: 100;w=21600` and its like. Undefined when they are not there. */
export function parsePullLimit(headers: Headers, seenAt: Date): PullLimit | undefined {
  const limit = /^\s*(\d+)(?:\s*;\s*w=(\d+))?/.exec(headers.get('ratelimit-limit') ?? '')
  const remaining = /^\s*(\d+)/.exec(headers.get('ratelimit-remaining') ?? '')
  if (!limit || !remaining) return undefined
  return {
    limit: Number(limit[1]),
    remaining: Number(remaining[1]),
    windowSeconds: limit[2] === undefined ? undefined : Number(limit[2]),
    source: headers.get('docker-ratelimit-source') ?? undefined,
    seenAt,
  }
}
