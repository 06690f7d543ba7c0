import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Server } from '../helpers/registry-process.ts'
import { installPackages } from './packages.ts'

/** Fonts for both languages of the page come with it: screenshots would show boxes. */
export const browserPackages = ['chromium', 'fonts-wqy-microhei']

/** Debian's chromium, without a window. Throws `Unavailable` when it cannot be had here. */
export async function openBrowser(): Promise<Browser> {
  await installPackages(...browserPackages)
  // Its own sandbox does not work for root; what it shows here is our own page.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
}

export interface VisitOptions {
  language?: 'en' | 'zh-CN'
  colors?: 'light' | 'dark'
  /** Default 1280 by 800. */
  size?: { width: number; height: number }
}

/** A window of somebody's browser, with nothing in its memory, and what it complained about. */
export interface Visit {
  page: Page
  context: BrowserContext
  /** Errors of scripts and of the console, but for answers such as 401 and 404 that a page is there to deal with. */
  complaints: string[]
}

export async function visit(browser: Browser, options: VisitOptions = {}): Promise<Visit> {
  const { language = 'en', colors = 'light', size = { width: 1280, height: 800 } } = options
  const context = await browser.newContext({ locale: language, colorScheme: colors, viewport: size })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const isAnswer = message.text().startsWith('Failed to load resource: the server responded with a status of 4')
    if (['error', 'warning'].includes(message.type()) && !isAnswer) complaints.push(message.text())
  })
  return { page, context, complaints }
}

/** Fills in the login and waits until it has led somewhere else. */
export async function logIn(page: Page, { credentials }: Pick<Server, 'credentials'>): Promise<void> {
  await page.fill('input[autocomplete=username]', credentials?.username ?? '')
  await page.fill('input[autocomplete=current-password]', credentials?.password ?? '')
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => !url.pathname.endsWith('/login'))
}
