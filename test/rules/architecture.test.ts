import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dir, '../..')
const source = join(root, 'src')

/** Rooms from the ground up. A file may import its own room and any room of a lower floor; never a neighbour's, never upwards. */
const floors: string[][] = [
  ['errors.ts', 'version.ts', 'closers.ts'],
  ['telemetry', 'config', 'secrets'],
  ['storage', 'database'],
  ['content'],
  ['events'],
  ['jobs'],
  ['http'],
  ['identity'],
  ['access'],
  ['upstream'],
  ['repositories', 'acme'],
  ['replication', 'retention', 'notifications', 'scanning'],
  ['formats/docker/images'],
  ['formats/docker/protocol', 'formats/docker/adoption'],
  ['api'],
  ['app.ts'],
  ['commands'],
  ['main.ts'],
]

/** The only files that may name the runtime; everything else would run on any. */
const runtimeFiles =
  /^(http\/listener|http\/file-body|storage\/filesystem|database\/sqlite|identity\/passwords|commands\/.*)(-\w+)?(\/.*)?\.ts$/

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
const all = files.filter((file) => !file.endsWith('.test.ts'))
/** The browser's: a tree of its own beside the house, which knows the server by its REST API alone. */
const isWeb = (file: string) => file.startsWith('web/')
const rules = all.filter((file) => !isWeb(file))

function floorOf(file: string): { floor: number; room: string } {
  for (const [floor, rooms] of floors.entries()) {
    const room = rooms.find((name) => file === name || file.startsWith(`${name}/`))
    if (room) return { floor, room }
  }
  throw new Error(`src/${file} stands in no room: see the list of rooms in this test and in docs/architecture.md`)
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8')
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? '').filter((name) => name.startsWith('.'))
}

describe('architecture', () => {
  test('imports only point down', () => {
    const wrong = rules.flatMap((file) => {
      const here = floorOf(file)
      return importsOf(file).flatMap((name) => {
        const target = relative(source, resolve(source, dirname(file), name))
        if (target.startsWith('..'))
          return target === '../package.json' ? [] : [`${file} imports ${target}, outside src/`]
        const there = floorOf(target)
        return here.room === there.room || there.floor < here.floor ? [] : [`${file} imports ${target}`]
      })
    })
    expect(wrong).toEqual([])
  })

  test('the web page imports nothing of the server, and the server nothing of the page', () => {
    const wrong = all.flatMap((file) =>
      importsOf(file).filter((name) => isWeb(relative(source, resolve(source, dirname(file), name))) !== isWeb(file)),
    )
    expect(wrong.filter((name) => name !== '../package.json')).toEqual([])
  })

  test('only adapter files name the runtime', () => {
    const wrong = rules.filter(
      (file) => !runtimeFiles.test(file) && /\bBun\.|['"]bun:/.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(wrong).toEqual([])
  })

  test('nothing uses the APIs that lost data when measured', () => {
    const banned = /\.writer\(\)|fs\.promises\.open|\bfileHandle\b|from 'node:fs\/promises'.*\bopen\b/i
    const wrong = rules.filter((file) => banned.test(readFileSync(join(source, file), 'utf8')))
    expect(wrong).toEqual([])
  })

  test('files stay small', () => {
    const sizes = all
      .filter((file) => file !== 'web/api/operations.ts')
      .map((file) => ({ file, lines: readFileSync(join(source, file), 'utf8').split('\n').length }))
    expect(sizes.filter(({ lines }) => lines > 300)).toEqual([])
  })
})
