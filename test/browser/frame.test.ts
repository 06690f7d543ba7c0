import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { type Server, startServer } from '../helpers/server.ts'
import { logIn, openBrowser, visit } from '../services/chromium.ts'
import { pushContent } from './content.ts'

describe('the web page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  }, 120_000)
  afterAll(() => browser?.close())

  for (const [name, prefix] of [
    ['at the root', ''],
    ['below a prefix', '/registry'],
  ] as const) {
    describe(name, () => {
      let server: Server
      let digest: string
      beforeAll(async () => {
        const http = prefix === '' ? {} : { prefix: `${prefix}/` }
        server = await startServer({ config: { version: 0.1, http }, auth: 'admin', prefix })
        digest = (await pushContent(server)).index
      }, 60_000)
      afterAll(() => server?.stop())

      test('breaks no rule of its own policy on any page, dialogs included', async () => {
        const { page, context, complaints } = await visit(browser)
        await page.goto(`${server.url}${prefix}/`)
        await logIn(page, server)
        const image = `${prefix}/repositories/private/images/team%2Fapp`
        for (const path of ['/', '/repositories', '/repositories/private', '/storage', '/audit', '/nowhere'])
          await seen(page, `${server.url}${prefix}${path}`)
        await seen(page, `${server.url}${image}`)
        await seen(page, `${server.url}${image}/compare?left=1.0&right=stable`)
        await seen(page, `${server.url}${image}/manifests/1.0`)
        await page.getByRole('button', { name: 'Delete the tag' }).click()
        await page.getByRole('dialog').waitFor()
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'hidden' })
        await page.keyboard.press('Control+k')
        await page.getByRole('combobox').fill('multi')
        await page.getByRole('option', { name: 'team/multi' }).waitFor()
        await page.getByRole('button', { name: 'Close' }).click()
        await page.getByRole('button', { name: 'Dark colours' }).click()
        expect(complaints).toEqual([])
        await context.close()
      }, 120_000)

      test('leads from a link to one of its pages, through the login, to that page', async () => {
        const { page, context } = await visit(browser)
        const path = `${prefix}/repositories/private/images/team%2Fmulti/manifests/${encodeURIComponent(digest)}`
        await page.goto(server.url + path)
        await logIn(page, server)
        await page.getByRole('heading', { name: 'Platforms' }).waitFor()
        expect(await page.getByRole('cell', { name: 'linux/arm64' }).count()).toBe(1)
        await page.getByRole('link', { name: 'team/multi' }).click()
        await page.getByRole('link', { name: 'latest' }).waitFor()
        await context.close()
      }, 60_000)
    })
  }

  test('is not there where web.enabled is false', async () => {
    await using server = await startServer({ config: { version: 0.1, web: { enabled: false } } })
    expect((await fetch(server.url, { headers: { accept: 'text/html' } })).status).toBe(404)
    expect((await fetch(`${server.url}/api/v1/system`)).status).toBe(200)
  }, 60_000)

  test('lets in everyone, without asking, where nobody is asked', async () => {
    await using server = await startServer()
    const { page, context } = await visit(browser)
    await page.goto(`${server.url}/storage`)
    await page.getByRole('heading', { name: 'Blob stores' }).waitFor()
    await context.close()
  }, 60_000)

  /** Waits until a page stands still. */
  async function seen(page: Page, url: string) {
    await page.goto(url)
    await page.waitForLoadState('networkidle')
    await page.locator('h1').waitFor()
  }
})
