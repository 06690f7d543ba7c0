/** end-1. Says that this is a registry and, by having been admitted, that the credentials are good. */
export function ping(): Response {
  return new Response('{}', { headers: { 'content-type': 'application/json', 'content-length': '2' } })
}
