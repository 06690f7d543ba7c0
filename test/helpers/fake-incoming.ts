import type { Incoming } from '../../src/http/incoming.ts'

/** A request without a socket, for handlers under test. */
export function fakeIncoming(method: string, target: string, headers: Record<string, string> = {}): Incoming {
  const url = new URL(target, 'http://localhost')
  return {
    id: 'test-1',
    method,
    path: url.pathname,
    target,
    query: url.searchParams,
    headers: new Headers(headers),
    origin: { scheme: 'http', host: 'localhost', prefix: '' },
    clientAddress: '127.0.0.1',
    signal: new AbortController().signal,
    async *body() {},
    bodyWhole: async () => new Uint8Array(),
    unhurried() {},
  }
}
