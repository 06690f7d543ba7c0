import type { Decide, ReachOf } from '../../../access/decide.ts'
import type { Blobs } from '../../../content/blobs.ts'
import type { Incoming } from '../../../http/incoming.ts'
import type { Authenticator, Principal } from '../../../identity/principal.ts'
import type { TokenService } from '../../../identity/tokens/open.ts'
import type { Places } from '../../../repositories/places.ts'
import type { Repositories, Repository } from '../../../repositories/repositories.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { Images } from '../images/image-source.ts'
import type { Telling } from './told.ts'

/** What the protocol works with. */
export interface ProtocolParts {
  repositories: Repositories
  imagesOf: (repository: Repository) => Images
  blobs: Pick<Blobs, 'holders'>
  authenticator: Authenticator
  decide: Decide
  /** Who hears of changes and denials. */
  telling: Telling
  /** So that lists need not ask about every name there is. Absent: they do. */
  reachOf?: ReachOf
  /** Looks at where requests come from. Absent: nobody does. */
  places?: Pick<Places, 'at' | 'isElsewhere'>
  /** Issues tokens at `/v2/_token`; undefined where nothing does. */
  tokens?: TokenService | undefined
  log: Log
  /** Largest page of a tag list, and of the catalog. */
  maxTags: number
  maxCatalog: number
  /** Whether Locations have scheme and host (`http.host`); relative ones are right behind every proxy. */
  absoluteUrls: boolean
  /** Throws `unavailable` while nothing can be served yet. */
  assertReady(): void
}

/** One request, once it is known what it is about and that it may be done. */
export interface Call {
  incoming: Incoming
  parts: ProtocolParts
  principal: Principal
}

/** A call about an image. */
export interface ImageCall extends Call {
  repository: Repository
  images: Images
  /** The image within its repository. */
  image: string
  /** The whole name as the client wrote it: goes into Locations. */
  name: string
  /** What stands at the end of the path: a digest, a reference, an upload id. Decoded. */
  reference: string
}

/** `/v2/...` as this client must write it to come back here. `path` starts with a slash. */
export function locationOf({ incoming, parts }: Call, path: string): string {
  const { scheme, host, prefix } = incoming.origin
  return parts.absoluteUrls ? `${scheme}://${host}${prefix}${path}` : `${prefix}${path}`
}
