import { AppError } from '../../errors.ts'
import type { Scope } from '../principal.ts'

/** More are asked for by nobody: docker names one for each image that it might mount from. */
const mostScopes = 100
const longestScope = 1024

/** `repository:team/app:pull,push`; the type may carry a class, `repository(plugin)`, and a name colons, `host:5000/app`. */
const grammar = /^([a-z0-9]+)(?:\([a-z0-9]+\))?:(.+):([^:]*)$/

/**
 * Reads what a client asks a token for (distribution, "Token Scope Documentation"): any number of parameters, each with any number of scopes between
 * spaces. One that cannot be read is left out, since a token for less is no error; what is asked twice becomes one entry. Throws `request-invalid` for more
 * than a client could mean.
 */
export function parseScopes(texts: readonly string[]): Scope[] {
  const words = texts.flatMap((text) => text.split(' ')).filter((word) => word !== '')
  if (words.length > mostScopes)
    throw new AppError('request-invalid', `${words.length} scopes are too many for one token: at most ${mostScopes}`)
  const found = new Map<string, { type: string; name: string; actions: Set<string> }>()
  for (const word of words) {
    const [, type, name, list = ''] = (word.length <= longestScope && grammar.exec(word)) || []
    if (type === undefined || name === undefined) continue
    const key = `${type}:${name}`
    const entry = found.get(key) ?? { type, name, actions: new Set() }
    for (const action of list.split(',')) if (action !== '') entry.actions.add(action)
    found.set(key, entry)
  }
  return [...found.values()].map(({ type, name, actions }) => ({ type, name, actions: [...actions] }))
}

/** As clients write it, scopes with a space between. */
export function formatScopes(scopes: readonly Scope[]): string {
  return scopes.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' ')
}

/** Whether a token that was issued for `scopes` may be used for this. Names are compared exactly: `a` says nothing about `ab` or `a/b`. */
export function scopesCover(scopes: readonly Scope[], { type, name, actions }: Scope): boolean {
  return scopes.some(
    (scope) =>
      scope.type === type &&
      scope.name === name &&
      (scope.actions.includes('*') || actions.some((action) => scope.actions.includes(action))),
  )
}
