import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { cliPage, cliPagePath } from '../../deploy/write-cli-page.ts'
import { AppError, type ErrorCode } from '../../src/errors.ts'
import { errorResponse } from '../../src/formats/docker/protocol/errors.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { openTestSqlite } from '../helpers/databases.ts'
import { fakeIncoming } from '../helpers/fake-incoming.ts'

const root = resolve(import.meta.dir, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...['docs', 'decisions'].flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(folder, file))),
].filter((file) => file.endsWith('.md'))

/** Rows of the tables in a text, each as its cells without bars and backticks. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

/** The text under each heading of the second level. */
function sectionsOf(page: string): Map<string, string> {
  const parts = page.split(/^## /m).slice(1)
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')).replaceAll('`', ''), part]))
}

const codeBlocks = (text: string) => text.match(/^```.*\n[\s\S]*?^```$/gm) ?? []
const withoutCode = (text: string) => text.replace(/^```.*\n[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')

describe('the READMEs', () => {
  const [english, chinese] = [read('README.md'), read('README.zh-CN.md')]

  test.each([english, chinese])('stay below 120 lines', (text) => {
    expect(text.split('\n').length).toBeLessThan(120)
  })

  test('have the same sections, code and links', () => {
    const shapeOf = (text: string) => ({
      headings: withoutCode(text).match(/^#+ /gm),
      code: codeBlocks(text),
      links: [...withoutCode(text).matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]).sort(),
    })
    expect(shapeOf(chinese)).toEqual(shapeOf(english))
  })
})

describe('documents', () => {
  test.each(pages)('%s links only to what is there', (page) => {
    const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    const local = links.filter((link) => !/^[a-z]+:/.test(link))
    const broken = local.filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(target)) return true
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  test('decisions are short', () => {
    const long = readdirSync(join(root, 'decisions')).filter(
      (file) => read(`decisions/${file}`).split('\n').length > 61,
    )
    expect(long).toEqual([])
  })
})

/** As code hosts make them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test('the page of the command line is what deploy/write-cli-page.ts writes', async () => {
  const page = await cliPage()
  expect(page).toContain('## `entrepot cert create`')
  expect(readFileSync(cliPagePath, 'utf8')).toBe(page)
}, 60_000)

describe('the page of errors', () => {
  const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '([a-z-]+)'$/gm)].map((match) => match[1] as ErrorCode)
  const rows = new Map(rowsOf(read('docs/errors.md')).map((row) => [row[0], row]))

  test('has nothing that does not exist', () => {
    expect([...rows.keys()].slice(1).sort()).toEqual([...codes].sort())
  })

  test.each(codes)('tells status, code, cause and remedy of %s', async (code) => {
    const response = errorResponse(
      new AppError(code, 'x'),
      fakeIncoming('GET', '/v2/'),
      createLog({ stream: { write() {} } }),
    )
    const { errors } = (await response.json()) as { errors: { code: string }[] }
    const [, status, wire, cause, remedy] = rows.get(code) ?? []
    expect([status, wire]).toEqual([String(response.status), errors[0]!.code])
    expect(cause).not.toBe('')
    expect(remedy).not.toBe('')
  })
})

test('the page of the database has every table and column, and no other', async () => {
  const { db, close } = await openTestSqlite()
  try {
    const tables = await db.queries.introspection.getTables()
    const ours = tables.filter(({ name }) => !name.startsWith('entrepot_migrations'))
    const real = ours.map(({ name, columns }) => [name, columns.map((column) => column.name).sort()] as const)
    const written = [...sectionsOf(read('docs/database.md'))].map(
      ([name, text]) =>
        [
          name,
          rowsOf(text)
            .slice(1)
            .map((row) => row[0]!)
            .sort(),
        ] as const,
    )
    expect(Object.fromEntries(written)).toEqual(Object.fromEntries(real))
  } finally {
    await close()
  }
})

test('the page of operations has every metric, and no other', async () => {
  const text = await createMetrics().metricsText()
  const real = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]!)
  const written = rowsOf(sectionsOf(read('docs/operations.md')).get('Metrics')!)
    .slice(1)
    .map((row) => row[0]!)
  const matches = (name: string, pattern: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
  expect(real.filter((name) => !written.some((pattern) => matches(name, pattern)))).toEqual([])
  expect(written.filter((pattern) => !real.some((name) => matches(name, pattern)))).toEqual([])
})

test('the page of the architecture has the floors that the test enforces', () => {
  const enforced = read('test/rules/architecture.test.ts').match(
    /const floors: string\[\]\[\] = \[\n([\s\S]*?)\n\]/,
  )?.[1]
  const floors = (enforced ?? '').split('\n').map((line) => [...line.matchAll(/'([^']+)'/g)].map((match) => match[1]!))
  const written = rowsOf(sectionsOf(read('docs/architecture.md')).get('Floors, from the top')!)
    .slice(1)
    .map(([floor, rooms = '']) => [floor!, rooms.split(', ').map((room) => room.replace(/\/$/, ''))] as const)
    .reverse()
  expect(written).toEqual(floors.map((rooms, index) => [String(index + 1), rooms]))
})

test('the page of the architecture names the file of every endpoint', () => {
  const named = rowsOf(sectionsOf(read('docs/architecture.md')).get('Where is the code of an endpoint?')!).map(
    (row) => row[1],
  )
  const handlers = [...read('src/formats/docker/protocol/routes.ts').matchAll(/from '\.\/([a-z-]+\.ts)'/g)]
  const files = handlers.map((match) => match[1]!).filter((file) => file !== 'call.ts')
  expect(files.filter((file) => !named.includes(file))).toEqual([])
})
