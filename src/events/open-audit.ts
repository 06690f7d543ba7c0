import type { Closers } from '../closers.ts'
import type { Config } from '../config/config.ts'
import { type Audit, type AuditOptions, createAudit } from './audit.ts'
import { openSyslog } from './syslog.ts'

/** The audit log as `audit` of the configuration describes it; what it opens is closed by whoever `add` tells, events last written first. */
export function openAudit(config: Pick<Config, 'audit'>, parts: AuditOptions, add: Closers['add']): Audit {
  const { syslog } = config.audit
  const receiver = syslog === undefined ? undefined : add(openSyslog(syslog, parts.log))
  return add(createAudit({ ...parts, forward: receiver?.send }))
}
