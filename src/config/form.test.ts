import { expect, test } from 'bun:test'
import { type JsonObject, mergeForm } from './form.ts'
import { formOfRepository, mapRepositorySecrets, readRepository } from './repository-form.ts'

const hub: JsonObject & { name: string } = {
  name: 'hub',
  type: 'proxy',
  upstream: {
    url: 'https://registry.example.com',
    username: 'ci',
    password: 'hunter2',
    proxy: 'http://user:secret@proxy:3128',
    tagAge: '5m',
  },
}

test('a repository is written as it was read, without what is a default', () => {
  const { repository, problems } = readRepository(hub, 'test')
  expect(problems).toEqual([])
  expect(repository.upstream).toMatchObject({ tagAge: 300_000, absenceAge: 30_000 })
  expect(formOfRepository(repository)).toEqual(hub)
  const hosted = { name: 'team', quota: { bytes: 100e9, tags: 3 }, online: false }
  expect(
    formOfRepository(readRepository({ ...hosted, quota: { bytes: '100GB', tags: '3' } }, 'test').repository),
  ).toEqual(hosted)
})

test('each secret is found, and nothing else', () => {
  const found: string[] = []
  const change = ({ path, text, hasSecret }: { path: string; text: string; hasSecret: boolean }) => {
    if (hasSecret) found.push(`${path} ${text}`)
    return hasSecret ? 'gone' : text
  }
  const changed = mapRepositorySecrets(hub, change)
  expect(found.sort()).toEqual(['upstream.password hunter2', 'upstream.proxy http://user:secret@proxy:3128'])
  expect(JSON.stringify(changed)).not.toMatch(/hunter2|user:secret/)
  expect(mapRepositorySecrets({ upstream: { proxy: 'http://proxy:3128' } }, change)).toEqual({
    upstream: { proxy: 'http://proxy:3128' },
  })
})

test('changes are laid over a form; null takes away', () => {
  expect(mergeForm({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { b: null, e: 3 }, d: [3] })).toEqual({
    a: { c: 2, e: 3 },
    d: [3],
  })
})
