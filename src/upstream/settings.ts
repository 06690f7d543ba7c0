import type { LibraryPrefix } from './names.ts'
import type { SearchIndex } from './search.ts'

/** What is to be known about one upstream. Checked by whoever reads it from a file or a request. */
export interface UpstreamSettings {
  /** What people call it, in messages and logs: the name of the proxy repository. */
  name: string
  /** `https://registry-1.docker.io`, `http://10.1.2.3:5000`, `https://nexus.example.com/repository/docker`. Without user and password. */
  url: string
  username?: string | undefined
  password?: string | undefined
  /** An OAuth2 refresh token, in place of a password. */
  identityToken?: string | undefined
  /** Default `auto`. */
  libraryPrefix?: LibraryPrefix | undefined
  /** More names for `?ns=` than the URL says. */
  namespaces?: readonly string[] | undefined
  /** Where `search` asks: the upstream itself, Docker Hub's index, the URL of another, or nobody. `auto`: the hub's for the hub, the upstream otherwise. */
  index?: SearchIndex | undefined
  /** An outbound proxy of its own, or `none`. Default: what is set for all. */
  proxy?: string | undefined
  /** PEM text of authorities that are trusted here, besides those of the system and those set for all. */
  ca?: string | undefined
  /** Accept any certificate. */
  insecure?: boolean | undefined
  /** Blocked by hand: nothing is asked of it. */
  blocked?: boolean | undefined
  /** Bytes per second that all downloads of blobs together may take. Default: no limit. */
  maxBandwidth?: number | undefined
  /** Downloads of blobs at once; others wait for their turn. Default: no limit. */
  maxDownloads?: number | undefined
  timing?: Partial<Timing> | undefined
}

/** How patient we are. All times in milliseconds. */
export interface Timing {
  /** From the start of a request, name lookup and connecting included, until the headers of the answer are there. */
  responseMs: number
  /** How long no byte of a body may come while one is waited for. */
  idleMs: number
  /** How often a request is tried in all. */
  attempts: number
  /** The pause before the second attempt is between half of this and all of it, and doubles from then on. */
  retryDelayMs: number
  /** A `Retry-After` up to this is waited for; a longer one is handed to the caller. */
  maxRetryAfterMs: number
  /** How often a download is taken up again before it has come a MiB further. */
  resumes: number
  /** Failures in a row after which the upstream is blocked. */
  blockAfter: number
  /** The first block; each failed probe doubles it. */
  firstBlockMs: number
  longestBlockMs: number
}

export const defaultTiming: Timing = {
  responseMs: 30_000,
  idleMs: 60_000,
  attempts: 3,
  retryDelayMs: 200,
  maxRetryAfterMs: 3_000,
  resumes: 5,
  blockAfter: 3,
  firstBlockMs: 5_000,
  longestBlockMs: 300_000,
}
