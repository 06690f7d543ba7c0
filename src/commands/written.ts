import type { Config } from '../config/config.ts'

/** An address as `openListener` reads it. */
export function written(addr: Config['http']['addr']): string {
  if ('socket' in addr) return addr.socket
  return `${addr.host.includes(':') ? `[${addr.host}]` : addr.host}:${addr.port}`
}
