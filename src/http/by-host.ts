import type { Handler } from './incoming.ts'

/**
 * Chooses by the host that the client named, after trusted forwarding headers: with its port, or without where `hosts` has no such entry. Names are in
 * lower case.
 */
export function createByHost(hosts: ReadonlyMap<string, Handler>, otherwise: Handler): Handler {
  if (hosts.size === 0) return otherwise
  return (incoming) => {
    const host = incoming.origin.host.toLowerCase()
    const handler = hosts.get(host) ?? hosts.get(host.replace(/:\d+$/, '')) ?? otherwise
    return handler(incoming)
  }
}

/** The same for rooms that are made for each host anew; all have the rooms that `otherwise` has. */
export function roomsByHost(
  otherwise: Readonly<Record<string, Handler>>,
  hosts: readonly (readonly [host: string, rooms: Readonly<Record<string, Handler>>])[],
): Record<string, Handler> {
  const entries = Object.entries(otherwise).map(([room, handler]) => {
    const own = new Map(hosts.map(([host, rooms]) => [host, rooms[room] ?? handler]))
    return [room, createByHost(own, handler)] as const
  })
  return Object.fromEntries(entries)
}
