// Written by deploy/write-api-types.ts from the OpenAPI document of the server.
export type System = {
  version: string
  logins: {
    kind: 'password' | 'oidc'
    label: string
  }[]
  open: boolean
}

export type Problem = {
  status: number
  code: string
  title: string
  detail?: undefined | unknown
  requestId: string
}

export type Session = {
  user: {
    name: string
    admin: boolean
    groups: string[]
  }
  source: string
  csrf: string
  since: string
}

export type Login = {
  name: string
  password: string
}

export type AuditEvent = {
  id: number
  at: string
  action: string
  result: 'done' | 'denied'
  actor: {
    kind: string
    name: string
    address: string
  }
  repository: string
  object: string
  requestId: string
  times: number
  detail?: undefined | Record<string, unknown>
}

export type Repository = {
  name: string
  format: 'docker'
  type: 'hosted' | 'proxy' | 'group'
  /** serves images whose first segment names no repository */
  default: boolean
  online: boolean
  description: string
  blobStore: string
  writePolicy: string
  mutableTags: string[]
  quota?:
    | undefined
    | {
        bytes?: undefined | number
        tags?: undefined | number
      }
  upstream?:
    | undefined
    | {
        url: string
      }
  members?: undefined | string[]
  writableMember?: undefined | string
  /** what the caller may do with all of it */
  may: ('pull' | 'push' | 'delete' | 'manage-members' | 'manage-policies' | 'manage-repository')[]
  /** for those who may manage it */
  managed?:
    | undefined
    | {
        /** `file`: changed in the configuration file alone */
        by: 'file' | 'database'
        /** why it answers nothing although it is online */
        trouble?: undefined | string
        createdAt: string
        settings: RepositorySettings
        upstream?:
          | undefined
          | (UpstreamStatus & {
              hasPassword: boolean
            })
      }
}

/** a repository in the words of the configuration file; secrets are shown as ***, and stay when they come back so */
export type RepositorySettings = {
  /** Its name, the first segment of the images in it. */
  name?: undefined | string
  /** What it stores. Default: `docker`. */
  format?: undefined | string
  /** Where its content comes from: `hosted` is pushed by clients, `proxy` is fetched from `upstream` and kept, a `group` shows the content of its members. Default: `hosted`. */
  type?: undefined | 'hosted' | 'proxy' | 'group'
  /** Whether it answers. Offline, its images are refused with 503 and groups pass it over. Default: `true`. */
  online?: undefined | boolean
  /** The blob store that keeps its bytes. Once it has content, `entrepot repo move` takes that to another one. Default: `default`. */
  blobStore?: undefined | string
  /** Whether tags may be pushed, pushed once and never moved, or not at all. Default: `allow`. */
  writePolicy?: undefined | 'allow' | 'allow-once' | 'read-only'
  mutableTags?: undefined | string[]
  quota?:
    | undefined
    | ({
        /** Bytes of its blobs and manifests, each content counted once. Not set: no limit. */
        bytes?: undefined | number | string
        /** Tags of all its images together. Not set: no limit. */
        tags?: undefined | number
      } & Record<string, unknown>)
  allowFrom?: undefined | string[]
  /** A line for people. */
  description?: undefined | string
  upstream?:
    | undefined
    | ({
        /** Its address, for example `https://registry-1.docker.io`; what stands before `/v2/` in its paths belongs to it. */
        url?: undefined | string
        /** Who we log in as. */
        username?: undefined | string
        /** Password, or access token. */
        password?: undefined | string
        /** Whether `centos` is asked for as `library/centos`. `auto`: when it is Docker Hub. Default: `auto`. */
        libraryPrefix?: undefined | 'auto' | 'always' | 'never'
        /** Where a search looks for images besides those here: `upstream` (its own search), `hub` (that of Docker Hub), the URL of another index, or `none`. `auto`: `hub` when it is Docker Hub, else `upstream`. Default: `auto`. */
        index?: undefined | string
        namespaces?: undefined | string[]
        /** PEM file of authorities to trust there, or their PEM text, besides those of the system and of `outbound.ca`. */
        ca?: undefined | string
        /** Accept any certificate from it. Default: `false`. */
        insecure?: undefined | boolean
        /** HTTP proxy for the way there, or `none`. Default: `outbound.proxy`. */
        proxy?: undefined | string
        /** Ask nothing of it: only what is cached is served. Default: `false`. */
        blocked?: undefined | boolean
        /** How long a tag is answered from the cache before the upstream is asked whether it has moved. Default: `1m`. */
        tagAge?: undefined | string
        /** How long the answer that something does not exist is believed. Default: `30s`. */
        absenceAge?: undefined | string
        /** How long what is cached is kept without being used. Default: for ever. */
        keepFor?: undefined | string
        /** How many bytes the cached images may need that nothing else does; those unused for longest go. Default: any. */
        cacheSize?: undefined | number | string
        /** Who gets layers that the upstream does not have and that their images name URLs for: the `client` itself, or we do (`fetch`). Default: `client`. */
        foreignLayers?: undefined | 'client' | 'fetch'
        /** How long the upstream may take to begin an answer. Default: `30s`. */
        responseTimeout?: undefined | string
        /** How long it may send nothing within an answer. Default: `60s`. */
        idleTimeout?: undefined | string
        /** What all downloads of blobs from it may take together, for example `50MB/s`. Default: no limit. */
        maxBandwidth?: undefined | number | string
        /** How many blobs are downloaded from it at once; others wait for their turn, `responseTimeout` at most. Default: no limit. */
        maxDownloads?: undefined | number
      } & Record<string, unknown>)
  members?:
    | undefined
    | (
        | string
        | ({
            /** A member of the group; a plain name in the list is short for this. */
            repository?: undefined | string
            images?: undefined | string[]
            exclusive?: undefined | string[]
          } & Record<string, unknown>)
      )[]
  /** Of a group: the hosted member that pushes and deletes go to. Not set: there are none. */
  writableMember?: undefined | string
} & Record<string, unknown>

export type UpstreamStatus = {
  /** `failing`: too seldom to be blocked. `blocked`: left alone for a while. `ok` is also what nobody has asked yet */
  state: 'ok' | 'failing' | 'blocked' | 'blocked-by-hand'
  since: string
  /** the last failure, or why it is blocked */
  reason?: undefined | string
  /** in a row */
  failures: number
  /** when it may be tried again */
  nextProbeAt?: undefined | string
  lastSuccessAt?: undefined | string
  /** kinds of request it asked us to hold back (429), until when */
  paused: Record<string, string>
  /** what it wants, as far as is known */
  login: 'none' | 'basic' | 'bearer'
  /** as the upstream has told last */
  pullLimit?:
    | undefined
    | {
        limit: number
        remaining: number
        windowSeconds?: undefined | number
        seenAt: string
      }
}

export type Job = {
  id: number
  kind: string
  /** what it is about: the name of a repository, or empty */
  object: string
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  /** asked to stop, and has not yet */
  cancelling: boolean
  parameters: Record<string, unknown>
  progress: Record<string, number>
  /** the last 100 lines */
  log: {
    at: string
    text: string
  }[]
  error?: undefined | string
  by: {
    kind: string
    name: string
  }
  createdAt: string
  startedAt?: undefined | string
  finishedAt?: undefined | string
  /** how often an instance has taken it */
  attempts: number
}

/** what is null goes back to its default; lists are replaced whole (RFC 7396) */
export type RepositoryPatch = {
  /** Its name, the first segment of the images in it. */
  name?: undefined | string | null
  /** What it stores. Default: `docker`. */
  format?: undefined | string | null
  /** Where its content comes from: `hosted` is pushed by clients, `proxy` is fetched from `upstream` and kept, a `group` shows the content of its members. Default: `hosted`. */
  type?: undefined | 'hosted' | 'proxy' | 'group' | null
  /** Whether it answers. Offline, its images are refused with 503 and groups pass it over. Default: `true`. */
  online?: undefined | boolean | null
  /** The blob store that keeps its bytes. Once it has content, `entrepot repo move` takes that to another one. Default: `default`. */
  blobStore?: undefined | string | null
  /** Whether tags may be pushed, pushed once and never moved, or not at all. Default: `allow`. */
  writePolicy?: undefined | 'allow' | 'allow-once' | 'read-only' | null
  mutableTags?: undefined | string[] | null
  quota?:
    | undefined
    | ({
        /** Bytes of its blobs and manifests, each content counted once. Not set: no limit. */
        bytes?: undefined | number | string | null
        /** Tags of all its images together. Not set: no limit. */
        tags?: undefined | number | null
      } & Record<string, unknown>)
    | null
  allowFrom?: undefined | string[] | null
  /** A line for people. */
  description?: undefined | string | null
  upstream?:
    | undefined
    | ({
        /** Its address, for example `https://registry-1.docker.io`; what stands before `/v2/` in its paths belongs to it. */
        url?: undefined | string | null
        /** Who we log in as. */
        username?: undefined | string | null
        /** Password, or access token. */
        password?: undefined | string | null
        /** Whether `centos` is asked for as `library/centos`. `auto`: when it is Docker Hub. Default: `auto`. */
        libraryPrefix?: undefined | 'auto' | 'always' | 'never' | null
        /** Where a search looks for images besides those here: `upstream` (its own search), `hub` (that of Docker Hub), the URL of another index, or `none`. `auto`: `hub` when it is Docker Hub, else `upstream`. Default: `auto`. */
        index?: undefined | string | null
        namespaces?: undefined | string[] | null
        /** PEM file of authorities to trust there, or their PEM text, besides those of the system and of `outbound.ca`. */
        ca?: undefined | string | null
        /** Accept any certificate from it. Default: `false`. */
        insecure?: undefined | boolean | null
        /** HTTP proxy for the way there, or `none`. Default: `outbound.proxy`. */
        proxy?: undefined | string | null
        /** Ask nothing of it: only what is cached is served. Default: `false`. */
        blocked?: undefined | boolean | null
        /** How long a tag is answered from the cache before the upstream is asked whether it has moved. Default: `1m`. */
        tagAge?: undefined | string | null
        /** How long the answer that something does not exist is believed. Default: `30s`. */
        absenceAge?: undefined | string | null
        /** How long what is cached is kept without being used. Default: for ever. */
        keepFor?: undefined | string | null
        /** How many bytes the cached images may need that nothing else does; those unused for longest go. Default: any. */
        cacheSize?: undefined | number | string | null
        /** Who gets layers that the upstream does not have and that their images name URLs for: the `client` itself, or we do (`fetch`). Default: `client`. */
        foreignLayers?: undefined | 'client' | 'fetch' | null
        /** How long the upstream may take to begin an answer. Default: `30s`. */
        responseTimeout?: undefined | string | null
        /** How long it may send nothing within an answer. Default: `60s`. */
        idleTimeout?: undefined | string | null
        /** What all downloads of blobs from it may take together, for example `50MB/s`. Default: no limit. */
        maxBandwidth?: undefined | number | string | null
        /** How many blobs are downloaded from it at once; others wait for their turn, `responseTimeout` at most. Default: no limit. */
        maxDownloads?: undefined | number | null
      } & Record<string, unknown>)
    | null
  members?:
    | undefined
    | (
        | string
        | ({
            /** A member of the group; a plain name in the list is short for this. */
            repository?: undefined | string
            images?: undefined | string[]
            exclusive?: undefined | string[]
          } & Record<string, unknown>)
      )[]
    | null
  /** Of a group: the hosted member that pushes and deletes go to. Not set: there are none. */
  writableMember?: undefined | string | null
} & Record<string, unknown>

export type Usage = {
  /** of blobs and manifests, each content counted once */
  bytes: number
  tags: number
  images: number
}

export type ConnectionTest = {
  ok: boolean
  /** what went wrong, in a sentence */
  problem?: undefined | string
  tookMs: number
}

export type UpstreamSettings = {
  /** Its address, for example `https://registry-1.docker.io`; what stands before `/v2/` in its paths belongs to it. */
  url?: undefined | string
  /** Who we log in as. */
  username?: undefined | string
  /** Password, or access token. */
  password?: undefined | string
  /** Whether `centos` is asked for as `library/centos`. `auto`: when it is Docker Hub. Default: `auto`. */
  libraryPrefix?: undefined | 'auto' | 'always' | 'never'
  /** Where a search looks for images besides those here: `upstream` (its own search), `hub` (that of Docker Hub), the URL of another index, or `none`. `auto`: `hub` when it is Docker Hub, else `upstream`. Default: `auto`. */
  index?: undefined | string
  namespaces?: undefined | string[]
  /** PEM file of authorities to trust there, or their PEM text, besides those of the system and of `outbound.ca`. */
  ca?: undefined | string
  /** Accept any certificate from it. Default: `false`. */
  insecure?: undefined | boolean
  /** HTTP proxy for the way there, or `none`. Default: `outbound.proxy`. */
  proxy?: undefined | string
  /** Ask nothing of it: only what is cached is served. Default: `false`. */
  blocked?: undefined | boolean
  /** How long a tag is answered from the cache before the upstream is asked whether it has moved. Default: `1m`. */
  tagAge?: undefined | string
  /** How long the answer that something does not exist is believed. Default: `30s`. */
  absenceAge?: undefined | string
  /** How long what is cached is kept without being used. Default: for ever. */
  keepFor?: undefined | string
  /** How many bytes the cached images may need that nothing else does; those unused for longest go. Default: any. */
  cacheSize?: undefined | number | string
  /** Who gets layers that the upstream does not have and that their images name URLs for: the `client` itself, or we do (`fetch`). Default: `client`. */
  foreignLayers?: undefined | 'client' | 'fetch'
  /** How long the upstream may take to begin an answer. Default: `30s`. */
  responseTimeout?: undefined | string
  /** How long it may send nothing within an answer. Default: `60s`. */
  idleTimeout?: undefined | string
  /** What all downloads of blobs from it may take together, for example `50MB/s`. Default: no limit. */
  maxBandwidth?: undefined | number | string
  /** How many blobs are downloaded from it at once; others wait for their turn, `responseTimeout` at most. Default: no limit. */
  maxDownloads?: undefined | number
} & Record<string, unknown>

export type Upstream = UpstreamStatus & {
  repository: string
  url: string
}

export type Image = {
  name: string
  tags: number
  updatedAt: string | null
}

export type Tag = {
  name: string
  digest: string
  mediaType: string
  updatedAt: string | null
}

export type TagChange = {
  id: number
  /** null: the tag was deleted */
  digest: string | null
  at: string
  /** the manifest is still there, and the tag can be set back to it */
  kept: boolean
}

export type Manifest = {
  digest: string
  mediaType: string
  size: number
  kind: 'image' | 'index' | 'artifact'
  artifactType?: undefined | string
  contentSize: number
  tags: string[]
  annotations: Record<string, string>
  platforms: Platform[]
  layers: Descriptor[]
  config?: undefined | Descriptor
  image?: undefined | ImageConfig
  subject?: undefined | Descriptor
  referrers: (Descriptor & {
    artifactType?: undefined | string
  })[]
}

export type Platform = Descriptor & {
  os: string
  architecture: string
  variant?: undefined | string
}

export type Descriptor = {
  digest: string
  mediaType: string
  size: number
  annotations: Record<string, string>
}

export type ImageConfig = {
  created?: undefined | string
  os: string
  architecture: string
  variant?: undefined | string
  user: string
  workingDir: string
  env: string[]
  entrypoint: string[]
  command: string[]
  ports: string[]
  volumes: string[]
  labels: Record<string, string>
  history: {
    created?: undefined | string
    by: string
    comment: string
    empty: boolean
  }[]
}

export type TagTarget = {
  digest: string
}

export type Found = {
  repository: string
  image: string
}

export type BlobStore = {
  name: string
  driver: string
  blobs: number
  bytes: number
  healthy: boolean
  problem?: undefined | string
}

export type Reclaimable = {
  references: number
  blobs: number
  bytes: number
}

export type Me = {
  kind: 'user' | 'robot' | 'anonymous'
  name: string
  /** may administer the server */
  admin: boolean
  groups: string[]
  /** the password can be changed with POST /me/password */
  passwordHere: boolean
  /** what the caller sees, and may do with all of it; on some images it may be more */
  repositories: {
    name: string
    may: ('pull' | 'push' | 'delete' | 'manage-members' | 'manage-policies' | 'manage-repository')[]
  }[]
}

export type PasswordChange = {
  current: string
  password: string
}

export type SessionInfo = {
  id: string
  current: boolean
  source: string
  address: string
  userAgent: string
  createdAt: string
  usedAt: string
}

export type User = {
  name: string
  /** users of directories and of htpasswd files are not listed */
  source: 'local' | 'oidc'
  admin: boolean
  managedBy: 'file' | 'database' | 'provider'
  createdAt?: undefined | string
  /** as of the last login */
  groups?: undefined | string[]
  mail?: undefined | string
  seenAt?: undefined | string
}

export type NewUser = {
  name: string
  password: string
  admin?: undefined | boolean
}

export type UserChange = {
  password?: undefined | string
  admin?: undefined | boolean
}

export type Grant = {
  subject: {
    /** `authenticated`: every user; `anonymous`: everyone, for pulling */
    kind: 'user' | 'group' | 'robot' | 'authenticated' | 'anonymous'
    /** of a user, group or robot; else empty */
    name?: undefined | string
  }
  role: string
  /** a name, or * for all */
  repository: string
  /** patterns: team/**; none: all images */
  images?: undefined | string[]
  id: number
  managedBy: 'file' | 'database'
}

export type NewGrant = {
  subject: {
    /** `authenticated`: every user; `anonymous`: everyone, for pulling */
    kind: 'user' | 'group' | 'robot' | 'authenticated' | 'anonymous'
    /** of a user, group or robot; else empty */
    name?: undefined | string
  }
  role: string
  /** a name, or * for all */
  repository: string
  /** patterns: team/**; none: all images */
  images?: undefined | string[]
}

export type Role = {
  name: string
  actions: ('pull' | 'push' | 'delete' | 'manage-members' | 'manage-policies' | 'manage-repository')[]
  builtIn: boolean
}

export type Group = {
  name: string
  grants: number
  /** somebody in it has logged in with OpenID */
  seen: boolean
}

export type Token = {
  id: number
  owner: {
    kind: 'user' | 'robot'
    name: string
  }
  name: string
  state: 'valid' | 'expired' | 'revoked'
  limits?: undefined | Limit[]
  createdAt: string
  expiresAt?: undefined | string
  /** to the minute or so */
  lastUsedAt?: undefined | string
  revokedAt?: undefined | string
}

export type Limit = {
  /** a name, or * for all */
  repository: string
  /** patterns; none: all images */
  images?: undefined | string[]
  actions: ('pull' | 'push' | 'delete')[]
}

export type CreatedToken = Token & {
  /** shown this once; log in with it in place of the password */
  secret: string
}

export type NewToken = {
  name: string
  /** what it allows at most; absent: all that its owner may. A robot needs some */
  limits?: undefined | Limit[]
  /** null: never; absent: 90 days from now */
  expiresAt?: undefined | string | null
}

export type Robot = {
  name: string
  description: string
  disabled: boolean
  createdAt: string
}

export type CreatedRobot = Robot & {
  token: CreatedToken
}

export type NewRobot = {
  /** `ci` is completed to what names of robots look like */
  name: string
  description?: undefined | string
  token: NewToken
}

export type Identity = {
  /** where users are looked for, in this order */
  sources: string[]
  directories: {
    name: string
    servers: string[]
    startTls: boolean
    checksCertificate: boolean
    /** the DN that searches; empty: nobody in particular */
    searchesAs: string
    userBase: string
    groupBase: string
    require: string[]
    admins: string[]
  }[]
  oidc?:
    | undefined
    | {
        issuer: string
        clientId: string
        label: string
        scopes: string[]
        adminGroups: string[]
        requiredGroups: string[]
      }
}

export type LdapTrace = {
  accepted: boolean
  directories: {
    name: string
    result: 'accepted' | 'refused' | 'unknown' | 'unavailable'
    /** what was asked and answered, in words */
    steps: string[]
    user?:
      | undefined
      | {
          name: string
          admin: boolean
          groups: string[]
        }
  }[]
}

export type LdapTest = {
  user: string
  /** absent: everything but the password is looked at */
  password?: undefined | string
}

export type Reachable = {
  ok: boolean
  problem?: undefined | string
}

export type Setting = {
  path: string
  /** as the file would say it; secrets are *** */
  value: string | number | boolean
  /** false: the file, a variable or the kind of installation says so */
  isDefault: boolean
  meaning: string
}

export type Certificate = {
  usedBy: string
  obtained: 'file' | 'letsencrypt'
  names: string[]
  issuer: string
  from?: undefined | string
  until?: undefined | string
  daysLeft?: undefined | number
  /** SHA-256, hexadecimal */
  fingerprint: string
  problem?: undefined | string
}

export type Health = {
  ok: boolean
  parts: {
    name: string
    ok: boolean
    problem?: undefined | string
  }[]
}

/** Every request there is. */
export interface Operations {
  /** Version, and how to log in */
  'GET /system': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: System
  }
  /** Log in with a password; sets a cookie */
  'POST /session': {
    params: Record<never, never>
    query: Record<never, never>
    body: Login
    answer: Session
  }
  /** Who this browser is */
  'GET /session': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Session
  }
  /** Log out */
  'DELETE /session': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Who did what, the newest first */
  'GET /audit': {
    params: Record<never, never>
    query: {
      limit?: undefined | number
      /** as the `Link` to the next page has it */
      after?: undefined | string
      user?: undefined | string
      repository?: undefined | string
      /** whole, or with a star at the end: `manifest.*` */
      action?: undefined | string
      result?: undefined | 'done' | 'denied'
      since?: undefined | string
      until?: undefined | string
    }
    body: undefined
    answer: AuditEvent[]
  }
  /** All repositories */
  'GET /repositories': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Repository[]
  }
  /** One repository; its ETag is for If-Match */
  'GET /repositories/{repository}': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: undefined
    answer: Repository
  }
  /** Makes a repository, or makes one what this says. Another blobStore is reached by a job: 202, and everything else has been changed. */
  'PUT /repositories/{repository}': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: RepositorySettings
    answer: Repository
  }
  /** Changes a repository. Another blobStore is reached by a job: 202, and everything else has been changed. */
  'PATCH /repositories/{repository}': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: RepositoryPatch
    answer: Repository
  }
  /** Removes a repository */
  'DELETE /repositories/{repository}': {
    params: {
      repository: string
    }
    query: {
      /** with all that is in it; else only an empty one goes */
      withContent?: undefined | 'true' | 'false'
    }
    body: undefined
    answer: undefined
  }
  /** Lets a repository answer again */
  'POST /repositories/{repository}/online': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: undefined
    answer: Repository
  }
  /** Takes a repository offline: its images are refused with 503 */
  'POST /repositories/{repository}/offline': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: undefined
    answer: Repository
  }
  /** Takes the content to another blob store, while it is served */
  'POST /repositories/{repository}/move': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: {
      blobStore: string
    }
    answer: Job
  }
  /** What is in a repository; counted anew each time */
  'GET /repositories/{repository}/usage': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: undefined
    answer: Usage
  }
  /** Tests the connection to the upstream of a proxy; a good one ends a block that failures began */
  'POST /repositories/{repository}/check': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: undefined
    answer: ConnectionTest
  }
  /** Tests the connection to an upstream before there is a repository for it */
  'POST /upstreams/check': {
    params: Record<never, never>
    query: Record<never, never>
    body: UpstreamSettings
    answer: ConnectionTest
  }
  /** How the upstreams of proxies are doing, as this instance has seen them; those the caller may manage */
  'GET /upstreams': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Upstream[]
  }
  /** Work in the background, the newest first; kept for 30 days */
  'GET /jobs': {
    params: Record<never, never>
    query: {
      limit?: undefined | number
      /** as the `Link` to the next page has it */
      after?: undefined | string
      kind?: undefined | string
      object?: undefined | string
      state?: undefined | 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
    }
    body: undefined
    answer: Job[]
  }
  /** One job, and how far it is; admins, and whoever asked for it */
  'GET /jobs/{job}': {
    params: {
      job: number
    }
    query: Record<never, never>
    body: undefined
    answer: Job
  }
  /** Server-sent events: the job as `GET /jobs/{job}` has it, now and whenever it changes */
  'GET /jobs/{job}/events': {
    params: {
      job: number
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Asks a job to stop; it does within seconds */
  'POST /jobs/{job}/cancel': {
    params: {
      job: number
    }
    query: Record<never, never>
    body: undefined
    answer: Job
  }
  /** Lets a job that failed or was cancelled begin again */
  'POST /jobs/{job}/retry': {
    params: {
      job: number
    }
    query: Record<never, never>
    body: undefined
    answer: Job
  }
  /** Collects what is due now, instead of within a minute */
  'POST /gc': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Job
  }
  /** What no manifest needs just now */
  'GET /gc': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Reclaimable
  }
  /** Images of a repository */
  'GET /repositories/{repository}/images': {
    params: {
      repository: string
    }
    query: {
      limit?: undefined | number
      /** as the `Link` to the next page has it */
      after?: undefined | string
      search?: undefined | string
    }
    body: undefined
    answer: Image[]
  }
  /** Tags of an image */
  'GET /repositories/{repository}/images/{image}/tags': {
    params: {
      repository: string
      /** percent-encoded as one segment: `team%2Fapp` */
      image: string
    }
    query: {
      limit?: undefined | number
      /** as the `Link` to the next page has it */
      after?: undefined | string
      search?: undefined | string
    }
    body: undefined
    answer: Tag[]
  }
  /** Deletes a tag; its manifest stays */
  'DELETE /repositories/{repository}/images/{image}/tags/{tag}': {
    params: {
      repository: string
      /** percent-encoded as one segment: `team%2Fapp` */
      image: string
      tag: string
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Points a tag to a manifest that is there: adds a tag, or sets one back */
  'PUT /repositories/{repository}/images/{image}/tags/{tag}': {
    params: {
      repository: string
      /** percent-encoded as one segment: `team%2Fapp` */
      image: string
      tag: string
    }
    query: Record<never, never>
    body: TagTarget
    answer: undefined
  }
  /** What a tag pointed to, the newest first */
  'GET /repositories/{repository}/images/{image}/tags/{tag}/history': {
    params: {
      repository: string
      /** percent-encoded as one segment: `team%2Fapp` */
      image: string
      tag: string
    }
    query: {
      limit?: undefined | number
      /** as the `Link` to the next page has it */
      after?: undefined | string
    }
    body: undefined
    answer: TagChange[]
  }
  /** A manifest, decoded: platforms, layers, config, history, referrers */
  'GET /repositories/{repository}/images/{image}/manifests/{reference}': {
    params: {
      repository: string
      /** percent-encoded as one segment: `team%2Fapp` */
      image: string
      /** a tag or a digest */
      reference: string
    }
    query: Record<never, never>
    body: undefined
    answer: Manifest
  }
  /** Deletes a manifest by digest, with all tags that point to it */
  'DELETE /repositories/{repository}/images/{image}/manifests/{reference}': {
    params: {
      repository: string
      /** percent-encoded as one segment: `team%2Fapp` */
      image: string
      /** a tag or a digest */
      reference: string
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Images by a part of their name */
  'GET /search': {
    params: Record<never, never>
    query: {
      q: string
      limit?: undefined | number
    }
    body: undefined
    answer: Found[]
  }
  /** Blob stores with what they hold */
  'GET /blob-stores': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: BlobStore[]
  }
  /** Who the caller is, and what they may do */
  'GET /me': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Me
  }
  /** Changes the own password; ends all other sessions */
  'POST /me/password': {
    params: Record<never, never>
    query: Record<never, never>
    body: PasswordChange
    answer: undefined
  }
  /** The own sessions, the one used last first */
  'GET /me/sessions': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: SessionInfo[]
  }
  /** Ends all own sessions but this one */
  'DELETE /me/sessions': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: {
      ended: number
    }
  }
  /** Ends one of the own sessions */
  'DELETE /me/sessions/{session}': {
    params: {
      session: string
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Users that are kept here, and those whom the OpenID provider has let in */
  'GET /users': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: User[]
  }
  /** Makes a user, who may do nothing before there is a grant */
  'POST /users': {
    params: Record<never, never>
    query: Record<never, never>
    body: NewUser
    answer: User
  }
  /** Changes password or admin; ends the sessions of the user */
  'PATCH /users/{user}': {
    params: {
      user: string
    }
    query: Record<never, never>
    body: UserChange
    answer: User
  }
  /** Removes a user with tokens, grants and sessions */
  'DELETE /users/{user}': {
    params: {
      user: string
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Grants; without `repository` those of all, for admins */
  'GET /grants': {
    params: Record<never, never>
    query: {
      /** those that hold there, so also those on * */
      repository?: undefined | string
      kind?: undefined | 'user' | 'group' | 'robot' | 'authenticated' | 'anonymous'
      /** of the subject */
      name?: undefined | string
    }
    body: undefined
    answer: Grant[]
  }
  /** Gives a role; the same twice is one */
  'POST /grants': {
    params: Record<never, never>
    query: Record<never, never>
    body: NewGrant
    answer: Grant
  }
  /** Takes a role back */
  'DELETE /grants/{grant}': {
    params: {
      grant: number
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** What can be given: names for sets of actions */
  'GET /roles': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Role[]
  }
  /** Groups that are known here: by a grant, or by a login with OpenID */
  'GET /groups': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Group[]
  }
  /** The own access tokens, also those that expired or were revoked; `owner=*` all, for admins */
  'GET /tokens': {
    params: Record<never, never>
    query: {
      /** name of a user or robot, or *; for admins */
      owner?: undefined | string
    }
    body: undefined
    answer: Token[]
  }
  /** Makes an access token for oneself; its secret is in this answer and nowhere else */
  'POST /tokens': {
    params: Record<never, never>
    query: Record<never, never>
    body: NewToken
    answer: CreatedToken
  }
  /** Revokes a token, one of the own, of a robot that the caller manages, or, for admins, any */
  'DELETE /tokens/{token}': {
    params: {
      token: number
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Robots that the caller may manage */
  'GET /robots': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Robot[]
  }
  /** Makes a robot with its first token, whose secret is in this answer and nowhere else */
  'POST /robots': {
    params: Record<never, never>
    query: Record<never, never>
    body: NewRobot
    answer: CreatedRobot
  }
  /** Disables a robot, whose tokens then open nothing, or enables it again */
  'PATCH /robots/{robot}': {
    params: {
      robot: string
    }
    query: Record<never, never>
    body: {
      disabled: boolean
    }
    answer: Robot
  }
  /** Removes a robot with its tokens and grants */
  'DELETE /robots/{robot}': {
    params: {
      robot: string
    }
    query: Record<never, never>
    body: undefined
    answer: undefined
  }
  /** Tokens of a robot, also those that expired or were revoked */
  'GET /robots/{robot}/tokens': {
    params: {
      robot: string
    }
    query: Record<never, never>
    body: undefined
    answer: Token[]
  }
  /** Gives a robot a further token */
  'POST /robots/{robot}/tokens': {
    params: {
      robot: string
    }
    query: Record<never, never>
    body: NewToken
    answer: CreatedToken
  }
  /** Where users come from */
  'GET /identity': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Identity
  }
  /** Goes through a login at each directory, and tells every step */
  'POST /ldap/test': {
    params: Record<never, never>
    query: Record<never, never>
    body: LdapTest
    answer: LdapTrace
  }
  /** Asks whether the OpenID provider can be reached, and describes itself as it must */
  'POST /oidc/test': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Reachable
  }
  /** The settings this instance runs with */
  'GET /settings': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Setting[]
  }
  /** The certificates that clients are shown, as their files have them */
  'GET /certificates': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Certificate[]
  }
  /** Whether the parts of this instance are well */
  'GET /health': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Health
  }
}
