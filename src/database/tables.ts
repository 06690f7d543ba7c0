import type { Schema } from './schema.ts'

/** Every table with the columns that tell its rows apart, in an order in which rows may be inserted: what is referred to comes first. */
export const tableKeys = {
  repositories: ['id'],
  images: ['id'],
  manifests: ['id'],
  manifest_references: ['image_id', 'digest', 'manifest_id'],
  manifest_uses: ['manifest_id'],
  tags: ['image_id', 'name'],
  tag_history: ['id'],
  blobs: ['store', 'digest'],
  blob_links: ['image_id', 'digest'],
  uploads: ['id'],
  gc_queue: ['id'],
  users: ['id'],
  grants: ['id'],
  facts: ['name'],
  audit_events: ['id'],
  sessions: ['id'],
  oidc_users: ['issuer', 'subject'],
  signing_keys: ['number'],
  robots: ['id'],
  access_tokens: ['id'],
  jobs: ['id'],
} as const satisfies { [Table in keyof Schema]: readonly (keyof Schema[Table] & string)[] }

export type TableName = keyof typeof tableKeys

/** In the order of `tableKeys`. */
export const tableNames = Object.keys(tableKeys) as TableName[]

/** Tables whose `id` the database counts up. */
export const countedTables = [
  'repositories',
  'images',
  'manifests',
  'tag_history',
  'gc_queue',
  'users',
  'grants',
  'audit_events',
  'robots',
  'access_tokens',
  'jobs',
] as const
