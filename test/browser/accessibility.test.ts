import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { type Server, startServer } from '../helpers/server.ts'
import { logIn, openBrowser, type Visit, visit } from '../services/chromium.ts'
import { pushContent } from './content.ts'

const image = '/repositories/private/images/team%2Fapp'
const pages = [
  '/',
  '/repositories',
  '/repositories/private',
  image,
  `${image}/manifests/1.0`,
  '/repositories/private/images/team%2Fmulti/manifests/latest',
  `${image}/manifests/nothing`,
  `${image}/compare?left=1.0&right=stable`,
  '/storage',
  '/audit',
  '/nowhere',
]

describe('what axe-core finds', () => {
  let browser: Browser
  let server: Server
  beforeAll(async () => {
    browser = await openBrowser()
    server = await startServer({ auth: 'admin' })
    await pushContent(server)
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  for (const [name, options] of [
    ['in light colours', { colors: 'light' }],
    ['in dark colours', { colors: 'dark' }],
    ['on a phone, in Chinese', { size: { width: 390, height: 800 }, language: 'zh-CN' }],
  ] as const) {
    describe(name, () => {
      let one: Visit
      beforeAll(async () => {
        one = await visit(browser, options)
        await one.page.goto(`${server.url}/login`)
      }, 60_000)
      afterAll(() => one?.context.close())

      test('nothing is serious at the login', async () => {
        await one.page.locator('form').waitFor()
        expect(await findings(one.page)).toEqual([])
        await logIn(one.page, server)
      }, 60_000)

      test.each(pages)(
        'nothing is serious on %s, and nothing is wider than the window',
        async (path) => {
          await one.page.goto(server.url + path)
          await one.page.waitForLoadState('networkidle')
          await one.page.locator('h1').waitFor()
          expect(await findings(one.page)).toEqual([])
          const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
          expect(await one.page.evaluate(tooWide)).toBe(0)
        },
        60_000,
      )

      test('nothing is serious in dialogs', async () => {
        await one.page.goto(`${server.url}${image}/manifests/1.0`)
        await one.page.locator('h1').waitFor()
        await one.page.keyboard.press('Control+k')
        await one.page.getByRole('combobox').fill('app')
        await one.page.getByRole('option').first().waitFor()
        expect(await findings(one.page)).toEqual([])
      }, 60_000)
    })
  }
})

/** Serious and critical findings, each with the rule and where. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const run =
    'axe.run({ resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] })'
  const { violations } = (await page.evaluate(run)) as axe.AxeResults
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  return bad.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
  )
}
