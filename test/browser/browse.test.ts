import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Browser } from 'playwright-core'
import { registryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { logIn, openBrowser, type Visit, visit } from '../services/chromium.ts'
import { type Content, pushContent } from './content.ts'

describe('what was pushed', () => {
  let browser: Browser
  let server: Server
  let content: Content
  let ada: Visit
  beforeAll(async () => {
    browser = await openBrowser()
    const config = { version: 0.1, storage: { delete: { enabled: true } } }
    server = await startServer({ config, auth: 'admin' })
    content = await pushContent(server)
    ada = await visit(browser)
    await ada.page.goto(server.url)
    await logIn(ada.page, server)
  }, 180_000)
  afterAll(async () => {
    expect(ada.complaints).toEqual([])
    await browser?.close()
    await server?.stop()
  })
  const go = (path: string) => ada.page.goto(server.url + path)

  test('is found by going from repository to image to tag', async () => {
    const { page } = ada
    await page.getByRole('link', { name: 'Repositories' }).click()
    await page.getByRole('link', { name: 'private' }).click()
    await page.getByLabel('Search in these images').fill('team/')
    await page.getByRole('link', { name: 'team/app' }).click()
    await page.getByRole('link', { name: '1.0' }).click()
    await page.getByRole('heading', { name: 'team/app:1.0' }).waitFor()
    await page.getByText(`docker pull ${server.host}/team/app:1.0`).waitFor()
    await page.getByText(`docker pull ${server.host}/team/app@${content.app}`).waitFor()
  }, 60_000)

  test('is shown with its steps, its config and what refers to it', async () => {
    const { page } = ada
    await go('/repositories/private/images/team%2Fapp/manifests/1.0')
    const steps = page.getByRole('region', { name: 'How it was made: 2 layers' }).getByRole('listitem')
    expect(await steps.first().textContent()).toContain('ADD file:1 in /')
    expect(await steps.first().textContent()).toContain('30\u00a0kB')
    expect(await steps.nth(1).textContent()).not.toContain('kB')
    expect(await steps.nth(2).textContent()).toContain('COPY app /srv/app')
    await page.getByText("/srv/app '--with space'").waitFor()
    await page.getByText('8080/tcp').waitFor()
    await page.getByText('https://example.com/app').waitFor()
    await page.getByText('for the browser').waitFor()
    await page.getByText('application/vnd.example.signature').waitFor()
    expect(await page.getByRole('link', { name: 'stable' }).count()).toBe(1)
  }, 60_000)

  test('can be pulled by the line for the client one has chosen', async () => {
    const { page } = ada
    await go('/repositories/private/images/team%2Fapp/manifests/1.0')
    await page.getByText('podman', { exact: true }).click()
    await page.getByText(`podman pull --tls-verify=false ${server.host}/team/app:1.0`).waitFor()
    await page.getByText('Kubernetes', { exact: true }).click()
    await page.getByText(`image: ${server.host}/team/app:1.0`).waitFor()
    await page.reload()
    await page.getByText(`image: ${server.host}/team/app:1.0`).waitFor()
  }, 60_000)

  test('comes page by page, and the way back is the browser’s', async () => {
    const { page } = ada
    await go('/repositories/private')
    await page.getByRole('link', { name: 'many/image-100' }).waitFor()
    await page.getByRole('button', { name: 'Next page' }).click()
    await page.getByRole('link', { name: 'team/app' }).waitFor()
    await page.getByRole('button', { name: 'Previous page' }).click()
    await page.getByRole('link', { name: 'many/image-100' }).waitFor()
  }, 60_000)

  test('is found by the keyboard alone', async () => {
    const { page } = ada
    await go('/')
    await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
    await page.keyboard.press('/')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type('image-15')
    await page.getByRole('option', { name: 'many/image-150' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'many/image-151' }).waitFor()
  }, 60_000)

  test('is compared with what it was before', async () => {
    const { page } = ada
    await go('/repositories/private/images/team%2Fapp/manifests/1.0')
    await page.getByRole('link', { name: 'Compare two tags' }).click()
    await page.getByLabel('Second tag or digest').fill(content.first)
    await page.getByRole('cell', { name: '2 layers only here, 31.2\u00a0kB' }).waitFor()
    await page.getByRole('cell', { name: 'GREETING' }).waitFor()
  }, 60_000)

  test('is set back to what a tag pointed to before', async () => {
    const { page } = ada
    await go('/repositories/private/images/team%2Fapp/manifests/1.0')
    await page.getByRole('button', { name: 'Set back to this' }).first().click()
    await page.getByText('Tag 1.0 is set.').waitFor()
    const pulled = await registryClient(server).pullManifest('team/app', '1.0')
    expect(pulled?.digest).toBe(content.first)
  }, 60_000)

  test('is deleted after a warning, and a deleted tag comes back', async () => {
    const { page } = ada
    const client = registryClient(server)
    await go('/repositories/private/images/team%2Fapp/manifests/stable')
    await page.getByRole('button', { name: 'Delete the tag' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Nobody can pull stable any more.').waitFor()
    await dialog.getByRole('button', { name: 'Delete the tag' }).click()
    await page.getByText('Tag stable is deleted.').waitFor()
    expect(await client.tags('team/app')).not.toContain('stable')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Tag stable is set.').waitFor()
    expect((await client.pullManifest('team/app', 'stable'))?.digest).toBe(content.app)
  }, 60_000)

  test('says what there is instead of what is gone', async () => {
    const { page } = ada
    await go('/repositories/private/images/team%2Fapp/manifests/9.9')
    await page.getByText('This is not here, or no longer.').waitFor()
    await page.getByText('Request id, for the server log:').waitFor()
    await go('/nowhere')
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
  }, 60_000)

  test('leaves its traces in the audit log, which can be filtered and saved', async () => {
    const { page } = ada
    await go('/audit')
    await page.getByLabel('Action').fill('manifest.*')
    await page.waitForURL(/action=manifest/)
    await page.getByRole('cell', { name: 'private / team/app:1.0' }).first().waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    const stream = await (await download).createReadStream()
    const lines = (await new Response(stream as unknown as ReadableStream).text()).trim().split('\n')
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.every((line) => JSON.parse(line).action.startsWith('manifest.'))).toBe(true)
  }, 60_000)
})
