import { userInfo } from 'node:os'
import type { Closers } from '../closers.ts'
import type { Database } from '../database/database.ts'
import { createAudit } from '../events/audit.ts'
import type { Actor, AppEvent } from '../events/event.ts'
import { createLog } from '../telemetry/log.ts'
import type { CommandIo } from './io.ts'

/** Tells the audit log what was done at the console: `token.create`, and whose. */
export type TellFromConsole = (action: string, object: string, more?: Pick<AppEvent, 'repository' | 'detail'>) => void

/** The audit log for a command; what was told is written when `add` closes it, before the database that was added earlier. */
export function openConsoleAudit(db: Database, io: Pick<CommandIo, 'err'>, add: Closers['add']): TellFromConsole {
  const log = createLog({ level: 'error', stream: io.err })
  const audit = add(createAudit({ db, log, now: Date.now }))
  const actor = consoleActor()
  return (action, object, more = {}) => audit.tell({ action, object, actor, result: 'done', ...more })
}

/** Who sits at the console. */
export function consoleActor(): Actor {
  return { kind: 'console', name: accountName(), address: '' }
}

function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return '' // In a container there may be no name for the number.
  }
}
