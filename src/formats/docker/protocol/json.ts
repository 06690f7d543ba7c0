/**
 * An answer in JSON with its exact length, so that HEAD can tell it. The type is bare: clients compare it as a text, and what the runtime
 * would add (`;charset=utf-8`) makes some of them take an answer for another registry's page. `headers` may name another type.
 */
export function jsonResponse(
  value: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): Response {
  const body = Buffer.from(JSON.stringify(value))
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/json', ...headers, 'content-length': String(body.length) },
  })
}
