import { isLive } from '../identity/tokens/access-tokens.ts'
import { accountsOf } from './accounts.ts'
import type { ApiParts } from './api.ts'
import type { Caller } from './caller.ts'
import { mayInAll } from './endpoint.ts'

/** Whether somebody may manage a robot: admins any, others those that are good for nothing but repositories whose members they manage. */
export async function mayManageRobot(
  parts: Pick<ApiParts, 'accounts' | 'isOpen' | 'decide' | 'now'>,
  { principal }: Caller,
  robot: string,
): Promise<boolean> {
  const { decide, now } = parts
  if (decide(principal, 'administer')) return true
  const tokens = await accountsOf(parts).accessTokens.list({ kind: 'robot', name: robot })
  const limits = tokens.filter((token) => isLive(token, now())).flatMap((token) => token.limits ?? [])
  return (
    limits.length > 0 && limits.every(({ repository }) => mayInAll(decide, principal, 'manage-members', repository))
  )
}
