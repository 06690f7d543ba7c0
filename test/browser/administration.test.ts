import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser, Page } from 'playwright-core'
import { makeImage } from '../helpers/oci.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { logIn, openBrowser, type Visit, visit } from '../services/chromium.ts'

const image = makeImage('administered')

describe('administration in the browser', () => {
  let browser: Browser
  let server: Server
  let admin: Visit
  beforeAll(async () => {
    browser = await openBrowser()
    server = await startServer({ auth: 'admin' })
    admin = await visit(browser)
    await admin.page.goto(server.url)
    await logIn(admin.page, server)
  }, 120_000)
  afterAll(async () => {
    expect(admin.complaints).toEqual([])
    await browser?.close()
    await server?.stop()
  })
  const clientOf = (username: string, password: string) =>
    registryClient({ url: server.url, credentials: { username, password } })

  test('adds a user with a random password, who then pushes where a pattern allows it and nowhere else', async () => {
    const { page } = admin
    await go(page, 'Users')
    await page.getByRole('button', { name: 'Add a user' }).click()
    await page.getByLabel('User name').fill('ada')
    await page.getByRole('button', { name: 'Create' }).click()
    const ada = clientOf('ada', await secretShown(page))
    expect(ada.pushImage('team/app', image, '1.0')).rejects.toThrow()

    await page.getByRole('link', { name: 'ada', exact: true }).click()
    await page.getByText('May do nothing yet').waitFor()
    await page.getByRole('button', { name: 'Give a role' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Role').selectOption('developer')
    await form.getByLabel('Repository').selectOption('private')
    await form.getByLabel('Images').fill('team/**')
    await form.getByRole('button', { name: 'Give a role' }).click()
    await page.getByRole('cell', { name: 'team/**' }).waitFor()

    await ada.pushImage('team/app', image, '1.0')
    expect((await ada.request('POST', '/v2/other/app/blobs/uploads/')).status).toBe(403)
  }, 60_000)

  test('takes a role back on the page of the repository', async () => {
    const { page } = admin
    await page.goto(`${server.url}/repositories/private`)
    await page.getByRole('link', { name: 'Members' }).click()
    const row = page.getByRole('row', { name: 'ada' })
    await row.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No members yet').waitFor()
    await page.getByRole('button', { name: 'Give a role' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Who').selectOption('every user who is logged in')
    await form.getByLabel('Role').selectOption('reader')
    await form.getByRole('button', { name: 'Give a role' }).click()
    await page.getByRole('cell', { name: 'every user who is logged in', exact: true }).waitFor()
  }, 60_000)

  test('shows a reader no control of an administrator, and the API refuses them', async () => {
    const { page } = admin
    await page.goto(`${server.url}/users/ada`)
    await page.getByRole('button', { name: 'Set another password' }).click()
    await page.getByRole('switch', { name: 'Random password' }).click()
    await page.getByLabel('New password').fill('short of nothing')
    await page.getByRole('dialog').getByRole('button', { name: 'Set another password' }).click()
    await page.getByText('ada has another password').waitFor()

    const reader = await visit(browser)
    const credentials = { username: 'ada', password: 'short of nothing' }
    await reader.page.goto(`${server.url}/repositories`)
    await logIn(reader.page, { credentials })
    await reader.page.getByRole('link', { name: 'private' }).click()
    await reader.page.getByRole('link', { name: 'team/app' }).waitFor()
    for (const name of ['Members', 'Settings', 'Users', 'Access', 'Robots', 'Jobs', 'Audit log'])
      expect(await reader.page.getByRole('link', { name, exact: true }).count()).toBe(0)
    await reader.page.goto(`${server.url}/users`)
    await reader.page.getByText('You may not do this').waitFor()
    const authorization = `Basic ${btoa('ada:short of nothing')}`
    for (const [method, path] of [
      ['GET', 'users'],
      ['GET', 'grants'],
      ['PATCH', 'repositories/private'],
      ['DELETE', 'repositories/private'],
    ] as const) {
      const headers = { authorization, 'content-type': 'application/json' }
      const body = method === 'PATCH' ? '{}' : null
      expect((await fetch(`${server.url}/api/v1/${path}`, { method, headers, body })).status).toBe(403)
    }
    await reader.context.close()
  }, 60_000)

  test('makes a robot, whose token pushes what it is limited to', async () => {
    const { page } = admin
    await go(page, 'Robots')
    await page.getByRole('button', { name: 'New robot' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name of the robot').fill('ci')
    await form.getByLabel('Repository').selectOption('private')
    await form.getByLabel('Images').fill('built/*')
    await form.getByLabel('push').click()
    await form.getByRole('button', { name: 'Create' }).click()
    await page.getByText(`docker login ${server.host} -u robot-ci`).waitFor()
    const robot = clientOf('robot-ci', await secretShown(page))
    await robot.pushImage('built/app', image, '1.0')
    expect((await robot.request('POST', '/v2/team/app/blobs/uploads/')).status).toBe(403)

    await page.getByRole('link', { name: 'robot-ci' }).click()
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('its tokens open nothing').waitFor()
    expect((await robot.request('GET', '/v2/')).status).toBe(401)
  }, 60_000)

  test('has an account page, where tokens are made and revoked and the password is changed', async () => {
    const { page, context } = await visit(browser)
    await page.goto(`${server.url}/account`)
    await logIn(page, { credentials: { username: 'ada', password: 'short of nothing' } })
    await page.getByText('In no group').waitFor()
    await page.getByRole('button', { name: 'New access token' }).click()
    await page.getByLabel('Name of the token').fill('laptop')
    await page.getByRole('button', { name: 'Create' }).click()
    const laptop = clientOf('ada', await secretShown(page))
    expect(await laptop.tags('team/app')).toEqual(['1.0'])
    await page.getByRole('button', { name: 'Revoke: laptop' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('cell', { name: 'revoked' }).waitFor()
    expect((await laptop.request('GET', '/v2/')).status).toBe(401)

    await page.getByRole('button', { name: 'Change the password' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Current password').fill('wrong')
    await form.getByLabel('New password').fill('another password')
    await form.getByRole('button', { name: 'Change the password' }).click()
    await form.getByText('this is not the current password').waitFor()
    await form.getByLabel('Current password').fill('short of nothing')
    await form.getByRole('button', { name: 'Change the password' }).click()
    await page.getByText('The password is changed').waitFor()
    expect((await clientOf('ada', 'another password').request('GET', '/v2/')).status).toBe(200)
    await context.close()
  }, 60_000)

  test('removes a user after saying what follows', async () => {
    const { page } = admin
    await page.goto(`${server.url}/users/ada`)
    await page.getByRole('button', { name: 'Remove the user' }).click()
    await page.getByText('Tokens and grants of this user go, too.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the user' }).click()
    await page.getByText('ada is removed.').waitFor()
    expect((await clientOf('ada', 'another password').request('GET', '/v2/')).status).toBe(401)
  }, 60_000)

  test('watches a job that it asked for', async () => {
    const { page } = admin
    await go(page, 'Jobs')
    await page.getByText('No jobs').waitFor()
    await page.getByRole('button', { name: 'Collect garbage now' }).click()
    await page.getByRole('row', { name: 'gc.run' }).getByText('done', { exact: true }).waitFor()
  }, 60_000)

  async function go(page: Page, place: string) {
    await page.getByRole('link', { name: place, exact: true }).click()
    await page.getByRole('heading', { name: place, level: 1 }).waitFor()
  }

  /** Reads what is shown once, and closes it. */
  async function secretShown(page: Page): Promise<string> {
    const secret = await page.getByRole('dialog').locator('code').first().textContent()
    await page.getByRole('button', { name: 'I have kept it' }).click()
    return secret ?? ''
  }
})
