import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { runFiles, type TestGroup } from './group.ts'

const folder = 'test-results/made-up'
const sources = {
  good: `import { test } from 'bun:test'\ntest('fine', () => {})\ntest.skip('later', () => {})`,
  bad: `import { test } from 'bun:test'\ntest('wrong', () => { throw new Error('on purpose') })`,
  broken: `import './not-there.ts'`,
  hanging: `import { test } from 'bun:test'\ntest('never ends', () => new Promise(() => {}), 60_000)`,
  empty: 'export {}',
}

describe('a group of tests', () => {
  beforeAll(() => {
    mkdirSync(folder, { recursive: true })
    for (const [name, text] of Object.entries(sources)) writeFileSync(`${folder}/${name}.test.ts`, text)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const outcome = async (files: (keyof typeof sources)[], more: Partial<TestGroup> = {}) => {
    const paths = files.map((name) => `${folder}/${name}.test.ts`)
    const group = { name: 'made-up', fast: true, together: true, files: paths, limitMs: () => 8000, ...more }
    return (await runFiles(group)).cases.map(({ name, status }) => [name.replace(`${folder}/`, ''), status])
  }

  test('reports what passed, failed and was skipped', async () => {
    expect(await outcome(['good', 'bad'])).toEqual([
      ['fine', 'passed'],
      ['later', 'skipped'],
      ['wrong', 'failed'],
    ])
  })

  test('counts a file that does not load as failed', async () => {
    expect(await outcome(['good', 'broken'])).toContainEqual(['broken.test.ts', 'failed'])
  })

  test('counts a file that tests nothing as failed', async () => {
    expect(await outcome(['empty'])).toEqual([['empty.test.ts', 'failed']])
  })

  test('kills a file that takes too long and counts it as failed', async () => {
    expect(await outcome(['hanging'], { limitMs: () => 500 })).toEqual([['hanging.test.ts', 'failed']])
  })
})
