import type { Generated } from 'kysely'

/** Milliseconds since 1970, UTC. */
export type Timestamp = number

/** The tables as the code sees them. What each column is for stands in docs/database.md; the SQL is in migrations/. */
export interface Schema {
  repositories: RepositoryTable
  images: ImageTable
  manifests: ManifestTable
  manifest_references: ManifestReferenceTable
  manifest_uses: ManifestUseTable
  tags: TagTable
  tag_history: TagHistoryTable
  blobs: BlobTable
  blob_links: BlobLinkTable
  uploads: UploadTable
  gc_queue: GcQueueTable
  users: UserTable
  grants: GrantTable
  facts: FactTable
  audit_events: AuditEventTable
  sessions: SessionTable
  oidc_users: OidcUserTable
  signing_keys: SigningKeyTable
  robots: RobotTable
  access_tokens: AccessTokenTable
  jobs: JobTable
}

export interface RepositoryTable {
  id: Generated<number>
  name: string
  format: 'docker'
  type: 'hosted' | 'proxy' | 'group'
  blob_store: string
  write_policy: 'allow' | 'allow-once' | 'read-only'
  description: string
  /** `file`: declared in the configuration file, which then owns it. */
  managed_by: 'file' | 'database'
  created_at: Timestamp
  /** 0 or 1. */
  online: Generated<number>
  /** JSON: the other keys as the file would say them, without what is a default; secrets are sealed. */
  settings: Generated<string>
}

export interface ImageTable {
  id: Generated<number>
  repository_id: number
  name: string
  created_at: Timestamp
}

export interface ManifestTable {
  id: Generated<number>
  image_id: number
  digest: string
  media_type: string
  /** The exact bytes that were pushed. */
  content: Uint8Array
  size: number
  artifact_type: string | null
  subject: string | null
  /** JSON object, for the descriptors in referrer lists. */
  annotations: string | null
  created_at: Timestamp
}

/** What a manifest needs to stay: its config, layers and children, all within the same image. */
export interface ManifestReferenceTable {
  image_id: number
  manifest_id: number
  digest: string
}

/** When a manifest of a proxy repository was last asked for, or one that needs it: to within minutes. */
export interface ManifestUseTable {
  manifest_id: number
  repository_id: number
  used_at: Timestamp
}

export interface TagTable {
  image_id: number
  name: string
  digest: string
  updated_at: Timestamp
  /** In a proxy repository: when the upstream last said that the tag points there. */
  checked_at: Timestamp | null
}

export interface TagHistoryTable {
  id: Generated<number>
  image_id: number
  name: string
  /** What the tag pointed to from `at` on; null: it was deleted. */
  digest: string | null
  at: Timestamp
}

/**
 * One row for each content in a blob store. `incoming`: reserved, the bytes may not be in place yet. `live`: in place and verified.
 * `deleting`: decided, the bytes may be gone already; nobody may link to it any more.
 */
export interface BlobTable {
  store: string
  digest: string
  size: number
  state: 'incoming' | 'live' | 'deleting'
  /** The collector leaves it alone until then. */
  lease_until: Timestamp
  created_at: Timestamp
}

/** Says that a blob may be pulled from an image. */
export interface BlobLinkTable {
  image_id: number
  digest: string
  /** Kept until then even when no manifest references it: a push that was told "exists" must be able to finish. */
  lease_until: Timestamp
  created_at: Timestamp
}

export interface UploadTable {
  id: string
  repository_id: number
  image: string
  store: string
  started_at: Timestamp
  updated_at: Timestamp
  /** The request that wrote to it last, if any, and until when it holds the upload without a sign of life: 0 when it has ended. */
  holder: string | null
  held_until: Timestamp
}

/** Candidates for the collector. `image_id` 0: the blob itself in `store`; otherwise the link of that image (and `store` is empty). */
export interface GcQueueTable {
  id: Generated<number>
  image_id: number
  store: string
  digest: string
  due_at: Timestamp
  /** Counts how often a review was asked for: tells a collector that it was asked again since it looked. */
  asked: Generated<number>
}

export interface UserTable {
  id: Generated<number>
  name: string
  password_hash: string
  /** 0 or 1. */
  admin: number
  created_at: Timestamp
  /** `file`: declared in the configuration file, which then owns them. */
  managed_by: Generated<'file' | 'database'>
}

/** Who may do what: a role on a repository, or on some of its images. */
export interface GrantTable {
  id: Generated<number>
  subject_kind: 'user' | 'group' | 'robot' | 'authenticated' | 'anonymous'
  /** The name of a user, group or robot; else empty. */
  subject: string
  role: string
  /** A name, or `*` for all. */
  repository: string
  /** JSON list of patterns; an empty one means all images. */
  images: string
  managed_by: 'file' | 'database'
  created_at: Timestamp
}

/** Small things to remember about the installation: what was adopted, when. */
export interface FactTable {
  name: string
  value: string
}

/** What was done or tried, by whom. */
export interface AuditEventTable {
  id: Generated<number>
  at: Timestamp
  action: string
  result: 'done' | 'denied'
  actor_kind: 'anonymous' | 'user' | 'robot' | 'system' | 'console'
  /** Of a failed login: the name that was tried. */
  actor: string
  address: string
  repository: string
  object: string
  request_id: string
  /** How often within a quarter of a second. */
  times: number
  /** JSON object. */
  detail: string | null
}

/** A person in a browser. */
export interface SessionTable {
  /** Digest of the secret in the cookie. */
  id: string
  source: string
  name: string
  admin: 0 | 1
  /** JSON list. */
  groups: string
  address: string
  user_agent: string
  created_at: Timestamp
  /** Within a minute. */
  used_at: Timestamp
  /** Of the principal: `source:what the source calls it`. */
  credential: string
}

/** Somebody whom an OpenID provider has let in at least once, as of the last time. */
export interface OidcUserTable {
  issuer: string
  /** The provider's own name for them, which never changes. */
  subject: string
  /** Ours, taken from the provider at the first login. */
  name: string
  admin: 0 | 1
  /** JSON list. */
  groups: string
  mail: string | null
  seen_at: Timestamp
}

/** What bearer tokens are signed with. Two instances that make a key at the same time agree on one by its number. */
export interface SigningKeyTable {
  number: number
  kid: string
  /** JSON Web Key. */
  public_key: string
  /** JSON Web Key, sealed. */
  private_key: string
  created_at: Timestamp
}

/** Principals that are no people: they log in with access tokens alone. */
export interface RobotTable {
  id: Generated<number>
  name: string
  description: string
  /** 0 or 1. */
  disabled: number
  created_at: Timestamp
}

/** Secrets that log in as a user or a robot, with limits. */
export interface AccessTokenTable {
  id: Generated<number>
  owner_kind: 'user' | 'robot'
  owner: string
  /** What its owner calls it. */
  name: string
  /** SHA-256 of the secret. */
  hash: string
  /** JSON list of `Limit`; null: all that its owner may. */
  limits: string | null
  /** Null: never. */
  expires_at: Timestamp | null
  created_at: Timestamp
  /** To the minute or so. */
  last_used_at: Timestamp | null
  revoked_at: Timestamp | null
}

/** Work in the background. Held by one instance at a time, by a lease. */
export interface JobTable {
  id: Generated<number>
  /** `gc.run`, `repository.move`. */
  kind: string
  /** What it is about: the name of a repository; else empty. */
  object: string
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  /** JSON object. */
  parameters: string
  /** JSON object of numbers, in the words of the kind. */
  progress: string | null
  /** JSON list of `{at, text}`, the last hundred. */
  log: string
  error: string | null
  actor_kind: 'anonymous' | 'user' | 'robot' | 'system' | 'console'
  /** Who asked for it. */
  actor: string
  created_at: Timestamp
  started_at: Timestamp | null
  finished_at: Timestamp | null
  /** How often an instance has taken it. */
  attempts: number
  /** The instance that runs it, until `lease_until` without a sign of life. */
  holder: string | null
  lease_until: Timestamp
  /** 0 or 1. */
  cancel_asked: number
}
