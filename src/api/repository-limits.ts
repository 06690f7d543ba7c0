import { isObject, type Json, type JsonObject } from '../config/form.ts'
import { isPem } from '../config/repository-kinds.ts'
import { AppError } from '../errors.ts'
import type { ApiParts } from './api.ts'
import type { Caller } from './caller.ts'
import { mayInAll } from './endpoint.ts'

/** Keys of an upstream that say where its password goes, or who could listen, with what they are usually. */
const ways: [key: string, usual: Json | undefined][] = [
  ['url', undefined],
  ['proxy', undefined],
  ['ca', undefined],
  ['insecure', false],
]

/**
 * What may not be asked for over the network although the form allows it: files of the server, and, of those who manage a repository and are no admins, what
 * would give them more than the repository: the content of others, another quota or blob store, its upstream's password. `before` and `after` are whole forms, with
 * masked secrets; undefined: there was none. Throws `request-invalid` and `denied`.
 */
export function refuseForeign(
  { decide }: Pick<ApiParts, 'decide'>,
  { principal }: Caller,
  before: JsonObject | undefined,
  after: JsonObject,
): void {
  const [old, upstream] = [sectionOf(before, 'upstream'), sectionOf(after, 'upstream')]
  const { ca } = upstream
  if (typeof ca === 'string' && !isPem(ca))
    throw new AppError(
      'request-invalid',
      'upstream.ca: write the PEM text itself; files of the server cannot be named here',
    )
  if (decide(principal, 'administer')) return
  const denied = (what: string) => new AppError('denied', `${what} is for admins`)
  if (!before) throw denied('making a repository')
  if (!isSame(before['quota'], after['quota'])) throw denied('changing the quota')
  if (!isSame(before['blobStore'] ?? 'default', after['blobStore'] ?? 'default')) throw denied('moving it')
  refuseStrangers(before, after, (name) => mayInAll(decide, principal, 'manage-repository', name))
  const isKept = old['password'] !== undefined && old['password'] === upstream['password']
  const changed = ways.find(([key, usual]) => !isSame(old[key] ?? usual, upstream[key] ?? usual))
  if (!isKept || !changed) return
  throw new AppError(
    'request-invalid',
    `upstream.${changed[0]}: give upstream.password again, or null: it goes another way now`,
  )
}

/** Whoever sees a group sees what is in it: so only what is one's own can be added, or shown further. */
function refuseStrangers(before: JsonObject, after: JsonObject, mayManage: (name: string) => boolean): void {
  const known = new Set(membersOf(before).map(({ text }) => text))
  const added = membersOf(after).filter(({ text }) => !known.has(text))
  const { writableMember } = after
  const isOther = typeof writableMember === 'string' && writableMember !== before['writableMember']
  const names = [...added.map(({ name }) => name), ...(isOther ? [writableMember] : [])]
  const stranger = names.find((name) => !mayManage(name))
  if (stranger !== undefined)
    throw new AppError('denied', `changing how ${stranger} is a member is for those who may manage-repository there`)
}

/** Each member with its rules, in a form that can be compared. */
function membersOf({ members }: JsonObject): { name: string; text: string }[] {
  if (!Array.isArray(members)) return []
  return members.map((member) => {
    const { repository, images = [], exclusive = [] } = isObject(member) ? member : { repository: member }
    return { name: String(repository), text: JSON.stringify([repository, images, exclusive]) }
  })
}

function sectionOf(form: JsonObject | undefined, key: string): JsonObject {
  const section = form?.[key]
  return isObject(section) ? section : {}
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null)
}
