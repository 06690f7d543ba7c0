import type { Config } from '../config/config.ts'

export type Connector = Config['connectors'][number]

/**
 * The connector that clients reach who name this host: one whose port it is, else one whose host it is; undefined: they reach the main listener. `port`
 * is 0 where nobody says which.
 */
export function connectorAt({ connectors }: Config, { host, port }: { host: string; port: number }) {
  const byPort = connectors.find(({ addr }) => addr && 'port' in addr && addr.port === port && port !== 0)
  if (byPort) return byPort
  const name = host.toLowerCase()
  const bare = name.replace(/:\d+$/, '')
  return [name, bare].flatMap((one) => connectors.filter((connector) => connector.host === one))[0]
}
