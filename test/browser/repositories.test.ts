import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { makeImage } from '../helpers/oci.ts'
import { registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { logIn, openBrowser, type Visit, visit } from '../services/chromium.ts'

const [ours, theirs] = [makeImage('ours'), makeImage('theirs')]

describe('repositories in the browser', () => {
  let browser: Browser
  let upstream: Server
  let server: Server
  let admin: Visit
  beforeAll(async () => {
    browser = await openBrowser()
    upstream = await startServer()
    await registryClient(upstream).pushImage('their/app', theirs, '2.0')
    const repositories = [{ name: 'private' }, { name: 'declared' }]
    server = await startServer({ config: { version: 0.1, repositories }, auth: 'admin' })
    admin = await visit(browser)
    await admin.page.goto(server.url)
    await logIn(admin.page, server)
  }, 120_000)
  afterAll(async () => {
    expect(admin.complaints).toEqual([])
    await browser?.close()
    await server?.stop()
    await upstream?.stop()
  })
  const client = () => registryClient(server)

  test('a proxy is made, after a test of its connection, and pulled through', async () => {
    const { page } = admin
    await page.getByRole('link', { name: 'Repositories', exact: true }).click()
    await page.getByRole('link', { name: 'New repository' }).click()
    await page.getByText('proxy', { exact: true }).click()
    await page.getByLabel('Name', { exact: true }).fill('mirror')
    await page.getByLabel('Address of the upstream').fill(`${upstream.url}/nothing/here`)
    await page.getByRole('button', { name: 'Test the connection' }).click()
    await page.getByText('The upstream does not answer as a registry').waitFor()
    await page.getByLabel('Address of the upstream').fill(upstream.url)
    await page.getByRole('button', { name: 'Test the connection' }).click()
    await page.getByText('The upstream answers').waitFor()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'mirror' }).waitFor()
    await client().verifyImage('mirror/their/app', theirs, '2.0')
    await page.reload()
    await page.getByRole('link', { name: 'their/app' }).waitFor()
  }, 60_000)

  test('a hosted one is made, and refuses to move a tag as it was told', async () => {
    const { page } = admin
    await page.goto(`${server.url}/new-repository`)
    await page.getByLabel('Name', { exact: true }).fill('mirror')
    await page.getByText('There is a repository called mirror already').waitFor()
    expect(await page.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true)
    await page.getByLabel('Name', { exact: true }).fill('releases')
    await page.getByLabel('Pushes', { exact: true }).selectOption('allowed; tags are never moved')
    await page.getByLabel('Tags that may be moved all the same').fill('latest')
    await page.getByLabel('Quota: size').fill('plenty')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('alert').getByText('quota.bytes').waitFor()
    await page.getByLabel('Quota: size').fill('1GB')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'releases' }).waitFor()
    await client().pushImage('releases/app', ours, '1.0')
    await client().pushImage('releases/app', ours, 'latest')
    expect((await client().pushManifest('releases/app', theirs.manifest, '1.0')).ok).toBe(false)
  }, 60_000)

  test('a group is made, its members are put in order by the keyboard, and it is pulled through', async () => {
    const { page } = admin
    await page.goto(`${server.url}/new-repository`)
    await page.getByText('group', { exact: true }).click()
    await page.getByLabel('Name', { exact: true }).fill('all')
    for (const name of ['mirror', 'releases']) {
      await page.getByLabel('Another repository').selectOption(name)
      await page.getByRole('button', { name: 'Add the member' }).click()
    }
    await page.getByRole('button', { name: 'Move releases up' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Pushes go to').selectOption('releases')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('Shows releases, mirror as one.').waitFor()
    await client().verifyImage('all/their/app', theirs, '2.0')
    await client().verifyImage('all/app', ours, '1.0')
    await client().pushImage('all/second', ours, '1.0')
    expect(await client().tags('releases/second')).toEqual(['1.0'])
  }, 60_000)

  test('settings are changed, keeping what the form has no field for and the password nobody sees', async () => {
    const { page } = admin
    await page.goto(`${server.url}/repositories/mirror/settings`)
    await page.getByLabel('User name for the upstream').fill('reader')
    await page.getByLabel('Password or token for the upstream').fill('upstream secret')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('There is one. Leave this empty to keep it.').waitFor()
    expect(await page.content()).not.toContain('upstream secret')
    await page.getByLabel('Ask anew for a tag after').fill('24h')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Repository mirror is changed.').first().waitFor()
    await page.reload()
    expect(await page.getByLabel('Ask anew for a tag after').inputValue()).not.toBe('')
    await page.getByText('There is one. Leave this empty to keep it.').waitFor()
    await page.getByRole('button', { name: 'Test the connection' }).click()
    await page.getByText('The upstream answers').waitFor()
  }, 60_000)

  test('what somebody else has changed meanwhile is not overwritten', async () => {
    const { page } = admin
    await page.goto(`${server.url}/repositories/releases/settings`)
    await page.getByLabel('Description').fill('mine')
    const { username, password } = server.credentials ?? { username: '', password: '' }
    const changed = await fetch(`${server.url}/api/v1/repositories/releases`, {
      method: 'PATCH',
      headers: { authorization: `Basic ${btoa(`${username}:${password}`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ description: 'theirs' }),
    })
    expect(changed.status).toBe(200)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').getByText('Somebody else has changed this').waitFor()
    await page.reload()
    expect(await page.getByLabel('Description').inputValue()).toBe('theirs')
  }, 60_000)

  test('one goes offline and comes back', async () => {
    const { page } = admin
    await page.goto(`${server.url}/repositories/releases/settings`)
    await page.getByRole('button', { name: 'Take offline' }).click()
    await page.getByText('It is offline').waitFor()
    expect((await client().request('GET', '/v2/releases/app/manifests/1.0')).status).toBe(503)
    await page.getByRole('button', { name: 'Bring online' }).click()
    await page.getByText('It is online.').waitFor()
    expect((await client().request('GET', '/v2/releases/app/manifests/1.0')).status).toBe(200)
  }, 60_000)

  test('one is deleted after saying what goes with it, but not while a group needs it', async () => {
    const { page } = admin
    const remove = async (name: string) => {
      await page.goto(`${server.url}/repositories/${name}/settings`)
      await page.getByText('It is online.').waitFor()
      await page.getByRole('button', { name: 'Delete the repository' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete the repository' }).click()
    }
    await remove('releases')
    await page.getByText('repository releases cannot be removed').waitFor()
    await remove('all')
    await page.getByText('Repository all is deleted.').waitFor()
    await remove('releases')
    await page.getByText('Repository releases is deleted.').waitFor()
    expect((await client().request('GET', '/v2/releases/app/manifests/1.0')).status).toBe(404)
  }, 60_000)

  test('one of the configuration file is shown, with nothing to press', async () => {
    const { page } = admin
    await page.goto(`${server.url}/repositories/declared/settings`)
    await page.getByText('This repository is declared in the configuration file').waitFor()
    expect(await page.getByLabel('Description').isDisabled()).toBe(true)
    for (const name of ['Save', 'Take offline', 'Delete the repository'])
      expect(await page.getByRole('button', { name }).count()).toBe(0)
  }, 60_000)
})
