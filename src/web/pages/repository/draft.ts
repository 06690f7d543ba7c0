export type RepositoryType = 'hosted' | 'proxy' | 'group'

/** A member of a group while it is being edited. Patterns as one text, with spaces between. */
export interface DraftMember {
  repository: string
  images: string
  exclusive: string
}

/** What the form of a repository has in its fields: texts as people write them, empty where there is nothing. */
export interface Draft {
  name: string
  type: RepositoryType
  description: string
  blobStore: string
  writePolicy: string
  mutableTags: string
  quotaBytes: string
  quotaTags: string
  url: string
  username: string
  /** Never what it is: only a new one. */
  password: string
  libraryPrefix: string
  tagAge: string
  cacheSize: string
  keepFor: string
  members: DraftMember[]
  writableMember: string
}

export const emptyDraft: Draft = {
  name: '',
  type: 'hosted',
  description: '',
  blobStore: 'default',
  writePolicy: 'allow',
  mutableTags: '',
  quotaBytes: '',
  quotaTags: '',
  url: '',
  username: '',
  password: '',
  libraryPrefix: 'auto',
  tagAge: '',
  cacheSize: '',
  keepFor: '',
  members: [],
  writableMember: '',
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
/** Settings in the words of the configuration file, or a change of them. */
export type Settings = Record<string, Json>

/** The fields for a repository as it is set. */
export function draftOf(settings: Record<string, unknown>): Draft {
  const upstream = objectOf(settings['upstream'])
  const quota = objectOf(settings['quota'])
  const members = Array.isArray(settings['members']) ? settings['members'] : []
  return {
    name: textOf(settings['name']),
    type: (textOf(settings['type']) || 'hosted') as RepositoryType,
    description: textOf(settings['description']),
    blobStore: textOf(settings['blobStore']) || 'default',
    writePolicy: textOf(settings['writePolicy']) || 'allow',
    mutableTags: wordsOf(settings['mutableTags']),
    quotaBytes: textOf(quota['bytes']),
    quotaTags: textOf(quota['tags']),
    url: textOf(upstream['url']),
    username: textOf(upstream['username']),
    password: '',
    libraryPrefix: textOf(upstream['libraryPrefix']) || 'auto',
    tagAge: textOf(upstream['tagAge']),
    cacheSize: textOf(upstream['cacheSize']),
    keepFor: textOf(upstream['keepFor']),
    members: members.map(memberOf),
    writableMember: textOf(settings['writableMember']),
  }
}

/** What the fields ask for, as a change of what there is (RFC 7396): an empty field goes back to the default. What they have no field for stays. */
export function changesOf(draft: Draft): Settings {
  const { type } = draft
  const common: Settings = { description: orNull(draft.description) }
  if (type === 'proxy') return { ...common, upstream: upstreamChanges(draft) }
  if (type === 'group')
    return {
      ...common,
      members: draft.members.map(({ repository, images, exclusive }) => ({
        repository,
        ...(words(images).length > 0 && { images: words(images) }),
        ...(words(exclusive).length > 0 && { exclusive: words(exclusive) }),
      })),
      writableMember: orNull(draft.writableMember),
    }
  const { quotaBytes, quotaTags } = draft
  const hasQuota = quotaBytes.trim() !== '' || quotaTags.trim() !== ''
  return {
    ...common,
    writePolicy: draft.writePolicy,
    mutableTags: draft.writePolicy === 'allow-once' ? words(draft.mutableTags) : null,
    quota: hasQuota ? { bytes: orNull(quotaBytes), tags: numberOrNull(quotaTags) } : null,
  }
}

/** A new repository. */
export function settingsOf(draft: Draft): Settings {
  const { name, type, blobStore } = draft
  const keeps = type !== 'group' && { blobStore }
  return { name: name.trim(), type, ...keeps, ...(withoutNulls(changesOf(draft)) as Settings) }
}

/** The upstream of a new proxy. */
export function upstreamOf(draft: Draft): Record<string, Json> {
  return withoutNulls(upstreamChanges(draft)) as Record<string, Json>
}

/** A list after one entry has changed places with its neighbour. */
export function moved<T>(list: readonly T[], index: number, step: -1 | 1): T[] {
  const result = [...list]
  const [one, other] = [result[index], result[index + step]]
  if (one === undefined || other === undefined) return result
  result[index] = other
  result[index + step] = one
  return result
}

/** Words of a text, whatever stands between them. */
export function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}

function upstreamChanges({ url, username, password, libraryPrefix, tagAge, cacheSize, keepFor }: Draft): Settings {
  return {
    url: url.trim(),
    username: orNull(username),
    // Without somebody there is no password; a field that was left empty leaves the one there is.
    ...(username.trim() === '' ? { password: null } : password !== '' && { password }),
    libraryPrefix,
    tagAge: orNull(tagAge),
    cacheSize: orNull(cacheSize),
    keepFor: orNull(keepFor),
  }
}

function memberOf(member: unknown): DraftMember {
  const { repository, images, exclusive } = objectOf(typeof member === 'string' ? { repository: member } : member)
  return { repository: textOf(repository), images: wordsOf(images), exclusive: wordsOf(exclusive) }
}

function withoutNulls(json: Json): Json {
  if (Array.isArray(json)) return json.map(withoutNulls)
  if (typeof json !== 'object' || json === null) return json
  const kept = Object.entries(json).filter(([, value]) => value !== null)
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutNulls(value)]))
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function wordsOf(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(' ') : ''
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

/** What is no number stays what it is: the server says what is wrong with it. */
function numberOrNull(text: string): Json {
  const value = orNull(text)
  return value !== null && /^\d+$/.test(value) ? Number(value) : value
}
