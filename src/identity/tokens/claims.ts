import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { JWTPayload } from 'jose'
import type { Limit, Principal, Scope } from '../principal.ts'

/** What our tokens say beside the registered claims (RFC 7519) and `access` (distribution, "Token Authentication Implementation"). */
export interface OwnClaims {
  kind: 'anonymous' | 'user' | 'robot'
  admin?: boolean
  groups?: readonly string[]
  /** Many groups, as base64url of their deflated JSON: a directory may put somebody into hundreds, and proxies refuse long headers. */
  packed?: string
  limits?: readonly Limit[]
  credential?: string
}

const claim = 'entrepot'
const longestGroups = 1024
/** Far more than any set of groups that fits into a header. */
const mostUnpacked = 1_000_000

/** The claims that bring a principal back. */
export function claimsOf(principal: Principal): { sub: string; [claim]: OwnClaims } {
  if (principal.kind === 'anonymous') return { sub: '', [claim]: { kind: 'anonymous' } }
  const { kind, name, admin, groups, limits, credential } = principal
  const text = JSON.stringify(groups)
  const told =
    text.length > longestGroups
      ? { packed: deflateRawSync(text).toString('base64url') }
      : groups.length > 0 && { groups }
  const own: OwnClaims = {
    kind,
    ...(admin ? { admin } : {}),
    ...(told || {}),
    ...(limits ? { limits } : {}),
    ...(credential === undefined ? {} : { credential }),
  }
  return { sub: name, [claim]: own }
}

/** Whom a token was issued to, as they were then. Only for tokens whose signature is ours. */
export function principalOfClaims(payload: JWTPayload): Principal {
  const own = payload[claim] as OwnClaims
  const scopes = (payload['access'] ?? []) as Scope[]
  if (own.kind === 'anonymous') return { kind: 'anonymous', scopes }
  const groups = own.packed
    ? (JSON.parse(
        inflateRawSync(Buffer.from(own.packed, 'base64url'), { maxOutputLength: mostUnpacked }).toString(),
      ) as string[])
    : (own.groups ?? [])
  return {
    kind: own.kind,
    name: payload.sub ?? '',
    admin: own.admin ?? false,
    groups,
    ...(own.limits ? { limits: own.limits } : {}),
    ...(own.credential === undefined ? {} : { credential: own.credential }),
    scopes,
  }
}
