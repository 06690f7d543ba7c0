/** Keeps cookies and follows redirects as a browser does, without showing anything. */
export interface Visitor {
  /** The last answer of a chain of redirects, and the addresses on the way. */
  visit(url: string, init?: RequestInit): Promise<{ response: Response; way: string[] }>
  /** The value of a cookie for an address. */
  cookie(url: string, name: string): string | undefined
  set(url: string, name: string, value: string): void
}

const mostRedirects = 15

export function openVisitor(): Visitor {
  const jar = new Map<string, Map<string, string>>()
  const cookiesOf = (url: string) => {
    const { host } = new URL(url)
    const known = jar.get(host) ?? new Map<string, string>()
    jar.set(host, known)
    return known
  }
  const send = async (url: string, init: RequestInit) => {
    const cookie = [...cookiesOf(url)].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      const isGone = attributes.some((one) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(one))
      if (isGone) cookiesOf(url).delete(name)
      else cookiesOf(url).set(name, pair.slice(name.length + 1))
    }
    return response
  }
  return {
    async visit(url, init = {}) {
      const way = [url]
      let response = await send(url, init)
      while (response.status >= 300 && response.status < 400 && way.length <= mostRedirects) {
        const next = new URL(response.headers.get('location') ?? '', way.at(-1)).href
        way.push(next)
        response = await send(next, {})
      }
      return { response, way }
    },
    cookie: (url, name) => cookiesOf(url).get(name),
    set: (url, name, value) => void cookiesOf(url).set(name, value),
  }
}
