import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { apiTypes, apiTypesPath } from '../../deploy/write-api-types.ts'

const root = resolve(import.meta.dir, '../..')

test('the page knows the API as the server describes it: deploy/write-api-types.ts', async () => {
  expect(readFileSync(apiTypesPath, 'utf8')).toBe(await apiTypes())
}, 30_000)

test('what the page is built of is pinned and never installed by who only runs the server', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const files = readdirSync(join(root, 'src/web'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test)\.tsx?$/.test(file),
  )
  const packages = files.flatMap((file) =>
    [...readFileSync(join(root, 'src/web', file), 'utf8').matchAll(/from '((?:@[\w-]+\/)?[a-z][\w-]*)/g)].map(
      (match) => match[1]!,
    ),
  )
  for (const name of new Set(packages)) {
    if (name.startsWith('node')) continue
    expect(devDependencies[name], name).toMatch(/^\d+\.\d+\.\d+$/)
    expect(dependencies[name], name).toBeUndefined()
  }
})
