import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startServer } from '../helpers/server.ts'
import { logIn, openBrowser, visit } from '../services/chromium.ts'
import { pushContent } from './content.ts'

/**
 * `npm run screenshots [-- --out FOLDER]`: a picture of every page, in both languages and colours and on a phone, into docs/images. Nothing else
 * writes there, so that pictures change when someone wants them to.
 */
const { values } = parseArgs({ options: { out: { type: 'string', default: 'docs/images' } } })
const folder = resolve(import.meta.dirname, '../..', values.out)
mkdirSync(folder, { recursive: true })

const image = '/repositories/private/images/team%2Fapp'
const pages = {
  dashboard: '/',
  repositories: '/repositories',
  images: '/repositories/private?search=team',
  tags: image,
  manifest: `${image}/manifests/1.0`,
  compare: `${image}/compare?left=1.0&right=stable`,
  platforms: '/repositories/private/images/team%2Fmulti/manifests/latest',
  storage: '/storage',
  audit: '/audit',
}
const looks = {
  '': {},
  '-dark': { colors: 'dark' },
  '-zh': { language: 'zh-CN' },
  '-phone': { size: { width: 390, height: 844 } },
} as const

const browser = await openBrowser()
const repositories = [
  { name: 'private' },
  { name: 'docker-hub', type: 'proxy', upstream: { url: 'https://registry-1.docker.io' } },
  { name: 'images', type: 'group', members: ['private', 'docker-hub'], writableMember: 'private' },
]
const server = await startServer({ config: { version: 0.1, repositories }, auth: 'admin' })
try {
  await pushContent(server)
  for (const [look, options] of Object.entries(looks)) {
    const { page, context } = await visit(browser, options)
    await page.goto(`${server.url}/login`)
    await page.locator('form').waitFor()
    const save = (name: string) => page.screenshot({ path: join(folder, `${name}${look}.png`), fullPage: true })
    await save('login')
    await logIn(page, server)
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(server.url + path)
      await page.waitForLoadState('networkidle')
      await save(name)
    }
    await context.close()
  }
} finally {
  await browser.close()
  await server.stop()
}
