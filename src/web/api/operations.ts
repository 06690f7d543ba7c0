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

export type OwnSession = {
  /** names it, and opens nothing */
  id: string
  source: string
  /** where they logged in from */
  address: string
  userAgent: string
  since: string
  /** within a minute */
  usedAt: string
  /** the one that this request came with */
  current: boolean
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
  blobStore: string
  writePolicy: string
  upstream?:
    | undefined
    | {
        url: string
      }
  members?: undefined | string[]
  writableMember?: undefined | string
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
  /** Your sessions, the one used last first */
  'GET /sessions': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: OwnSession[]
  }
  /** End all your sessions but this one */
  'DELETE /sessions': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: {
      ended: number
    }
  }
  /** End one of your sessions */
  'DELETE /sessions/{session}': {
    params: {
      session: string
    }
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
  /** One repository */
  'GET /repositories/{repository}': {
    params: {
      repository: string
    }
    query: Record<never, never>
    body: undefined
    answer: Repository
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
  /** What no manifest needs just now */
  'GET /gc': {
    params: Record<never, never>
    query: Record<never, never>
    body: undefined
    answer: Reclaimable
  }
}
