import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { freePort } from '../helpers/process.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { logIn, openBrowser, visit } from '../services/chromium.ts'
import { type OidcService, startOidcProvider } from '../services/oidc-provider.ts'

describe('logging in with the browser', () => {
  let browser: Browser
  let provider: OidcService
  let server: Server
  beforeAll(async () => {
    browser = await openBrowser()
    const port = await freePort()
    provider = await startOidcProvider([`http://127.0.0.1:${port}/api/v1/oidc/callback`])
    const oidc = { issuer: provider.issuer, ...provider.client, label: 'Log in with Example' }
    server = await startServer({ config: { version: 0.1, oidc }, port, auth: 'admin' })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await provider?.stop()
  })

  test('leads to the dashboard and out again', async () => {
    const { page, context } = await visit(browser)
    await page.goto(server.url)
    await page.getByRole('heading', { name: 'Entrepot' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/login')
    await logIn(page, server)
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
    await page.getByRole('button', { name: 'Logged in as admin' }).click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByLabel('User name').waitFor()
    await page.goto(`${server.url}/audit`)
    await page.getByText('Log in to go on where you were.').waitFor()
    await context.close()
  }, 60_000)

  test('speaks Chinese to who does, and remembers another choice', async () => {
    const { page, context } = await visit(browser, { language: 'zh-CN' })
    await page.goto(server.url)
    await page.getByRole('button', { name: '登录' }).waitFor()
    await logIn(page, server)
    await page.getByRole('heading', { name: '概览' }).waitFor()
    expect(await page.getAttribute('html', 'lang')).toBe('zh-Hans')
    await page.getByRole('button', { name: '语言' }).click()
    await page.getByRole('menuitem', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
    await context.close()
  }, 60_000)

  test('says so when the password is wrong, and keeps the name', async () => {
    const { page, context } = await visit(browser)
    await page.goto(server.url)
    await page.fill('input[autocomplete=username]', 'admin')
    await page.fill('input[autocomplete=current-password]', 'wrong')
    await page.keyboard.press('Enter')
    await page.getByText('User name or password is wrong.').waitFor()
    expect(await page.inputValue('input[autocomplete=username]')).toBe('admin')
    await context.close()
  }, 60_000)

  test('goes on where one was when the session has ended meanwhile', async () => {
    const { page, context } = await visit(browser)
    await page.goto(`${server.url}/audit?action=login`)
    await logIn(page, server)
    await page.getByRole('table', { name: 'Audit log' }).waitFor()
    await context.clearCookies()
    await page.getByRole('link', { name: 'Storage' }).click()
    await page.getByLabel('User name').waitFor()
    await logIn(page, server)
    await page.getByRole('heading', { name: 'Blob stores' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/storage')
    await page.goto(`${server.url}/audit?action=login`)
    expect(await page.getByLabel('Action').inputValue()).toBe('login')
    await context.close()
  }, 60_000)

  test('with an OpenID provider comes back to the page that was asked for', async () => {
    provider.person = { name: 'ada', groups: [] }
    const { page, context } = await visit(browser)
    await page.goto(`${server.url}/repositories`)
    await page.getByRole('link', { name: 'Log in with Example' }).click()
    await page.getByRole('heading', { name: 'Repositories' }).waitFor()
    await page.getByRole('button', { name: 'Logged in as ada' }).waitFor()
    // Not an administrator.
    expect(await page.getByRole('link', { name: 'Audit log' }).count()).toBe(0)
    await context.close()
  }, 60_000)
})
