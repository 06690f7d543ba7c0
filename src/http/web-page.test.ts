import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fakeIncoming } from '../../test/helpers/fake-incoming.ts'
import { createWebPage } from './web-page.ts'

const folder = mkdtempSync(join(tmpdir(), 'entrepot-web-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const script = 'console.log("the page")'
const files = new Map<string, string>()
function put(name: string, content: string | Uint8Array): void {
  const path = join(folder, `${files.size}`)
  writeFileSync(path, content)
  files.set(name, path)
}

describe('the web page', () => {
  beforeAll(() => {
    put('index.html', '<base href="__PREFIX__/"><script nonce="__NONCE__"></script>')
    put('assets/main-1.js', script)
    put('assets/main-1.js.gz', gzipSync(script))
    put('icon.svg', '<svg/>')
    put('notes.md', 'not for anyone')
  })
  const page = createWebPage(() => files)
  const ask = (method: string, path: string, headers: Record<string, string> = {}, origin = {}) =>
    page(fakeIncoming(method, path, headers, { origin })) as Response
  const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

  test('gives every path of a browser the same file, each time with another nonce', async () => {
    const answers = [ask('GET', '/'), ask('GET', '/repositories/private', html)]
    const nonces = answers.map(({ headers }) => /'nonce-([^']+)'/.exec(headers.get('content-security-policy')!)![1])
    expect(nonces[0]).not.toBe(nonces[1])
    expect(await answers[1]!.text()).toBe(`<base href="/"><script nonce="${nonces[1]}"></script>`)
    expect(answers[1]!.headers.get('cache-control')).toContain('no-store')
  })

  test('knows below which prefix it is, and writes it so that it ends no attribute', async () => {
    expect(await ask('GET', '/', {}, { prefix: '/registry' }).text()).toStartWith('<base href="/registry/">')
    expect(await ask('GET', '/', {}, { prefix: '/"><script>' }).text()).toStartWith('<base href="/&#34;&#62;')
  })

  test('allows no script and no style but its own, and stands in no frame', () => {
    const policy = ask('GET', '/').headers.get('content-security-policy')!
    expect(policy).toStartWith("default-src 'none'; script-src 'self' 'nonce-")
    expect(policy).not.toContain('unsafe')
    expect(policy).toContain("frame-ancestors 'none'")
  })

  test('tells a program with a wrong address so', () => {
    expect(ask('GET', '/v3/', { accept: 'application/json' }).status).toBe(404)
    expect(ask('GET', '/nowhere').status).toBe(404)
    expect(ask('POST', '/', html).status).toBe(405)
  })

  test('sends a file packed to who takes it, for good', async () => {
    const packed = ask('GET', '/assets/main-1.js', { 'accept-encoding': 'gzip, deflate, br' })
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(packed.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(packed.headers.get('vary')).toBe('Accept-Encoding')
    const plain = ask('GET', '/assets/main-1.js', { 'accept-encoding': 'gzip;q=0, identity' })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(plain.headers.get('content-length')).toBe(String(script.length))
    expect(await plain.text()).toBe(script)
  })

  test('has a page asked anew for what may change, and answers 304 when it has not', () => {
    const first = ask('GET', '/icon.svg')
    expect(first.headers.get('cache-control')).toBe('no-cache')
    expect(ask('GET', '/icon.svg', { 'if-none-match': first.headers.get('etag')! }).status).toBe(304)
  })

  test('never answers with the page where a file is missing', () => {
    expect(ask('GET', '/assets/main-0.js', html).status).toBe(404)
  })

  test('serves nothing but files of the web', () => {
    expect(ask('GET', '/notes.md').status).toBe(404)
    expect(ask('GET', '/../etc/passwd').status).toBe(404)
    expect(ask('GET', '/index.html').status).toBe(404)
  })

  test('answers HEAD with the head alone', () => {
    const answer = ask('HEAD', '/')
    expect(answer.body).toBeNull()
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(10)
  })

  test('says how to build it when it was not', async () => {
    const unbuilt = createWebPage(() => undefined)
    const answer = unbuilt(fakeIncoming('GET', '/')) as Response
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('npm run build:web')
  })
})
