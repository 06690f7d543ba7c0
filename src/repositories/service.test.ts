import { afterEach, beforeEach, expect, test } from 'bun:test'
import { describeOnEachDatabase, type TestDatabase } from '../../test/helpers/databases.ts'
import { openTestRepositories, quiet, testSecrets } from '../../test/helpers/repositories.ts'
import { readRepository } from '../config/repository-form.ts'
import { createBlobStores } from '../content/blob-store.ts'
import type { AppError } from '../errors.ts'
import type { AppEvent } from '../events/event.ts'
import { createInMemoryDriver } from '../storage/inmemory.ts'
import { type LiveRepositories, loadRepositories } from './live.ts'
import { createRepositoryService, type RepositoryService } from './service.ts'

const upstream = { url: 'https://registry.example.com', username: 'ci', password: 'hunter2' }

describeOnEachDatabase('the repository service', (open) => {
  let opened: TestDatabase
  let live: LiveRepositories
  let service: RepositoryService
  let events: AppEvent[]

  beforeEach(async () => {
    opened = await open()
    live = await openTestRepositories(opened.db, [{ name: 'private' }, { name: 'filed' }], 'private')
    service = serviceOf()
    events = []
  })
  afterEach(() => opened.close())

  function serviceOf(secrets = testSecrets()): RepositoryService {
    const named = (name: string) => readRepository({ name }, 'test').repository
    return createRepositoryService({
      db: opened.db,
      stores: createBlobStores(['default', 'fast'].map((name) => ({ name, driver: createInMemoryDriver() }))),
      now: () => 1000,
      graceMs: 0,
      secrets,
      config: {
        repositories: [named('private'), named('filed')],
        defaultRepository: 'private',
        connectors: [{ repository: 'bound' }] as never,
        blobStores: { default: { inmemory: {} }, fast: { inmemory: {} } },
      },
      refresh: live.refresh,
      tell: (event) => void events.push(event),
      actor: { kind: 'console', name: 'ada', address: '' },
    })
  }

  /** As another process reads them. */
  const elsewhere = (secrets = testSecrets()) =>
    loadRepositories({ db: opened.db, secrets, declared: [], defaultRepository: 'private', log: quiet })

  const refusal = async (work: Promise<unknown>) => {
    const error = (await work.then(
      () => expect.unreachable(),
      (thrown) => thrown,
    )) as AppError
    return `${error.code}: ${error.message}`
  }

  test('creates what this process and others can use at once, with secrets that only the key opens', async () => {
    const view = await service.create({ name: 'hub', type: 'proxy', upstream })
    expect(view).toMatchObject({ type: 'proxy', managedBy: 'database', online: true })
    expect(JSON.stringify(view)).not.toContain('hunter2')
    for (const repositories of [live, await elsewhere()])
      expect(repositories.named('hub')).toMatchObject({ type: 'proxy', upstream: { ...upstream, tagAgeMs: 60_000 } })
    const { settings } = await opened.db.queries
      .selectFrom('repositories')
      .select('settings')
      .where('name', '=', 'hub')
      .executeTakeFirstOrThrow()
    expect(settings).not.toContain('hunter2')
    expect(settings).toContain('sealed:v1:')
  })

  test('names every field that is wrong, and the fix', async () => {
    const text = await refusal(
      service.create({ name: 'hub', type: 'proxy', blobStore: 'slow', upstream: { url: 'x', tagAge: '5' } }),
    )
    expect(text).toContain('request-invalid: upstream.url "x" is not a web address: write https://')
    expect(text).toContain('upstream.tagAge "5" has no unit')
    const group = { name: 'g', type: 'group', members: ['private', 'nobody', 'g'], blobStore: 'slow' }
    const problems = await refusal(service.create(group))
    expect(problems).toContain('blobStore "slow" is no blob store')
    expect(problems).toContain('members[1] "nobody" is no repository')
    expect(problems).toContain('members "g -> g" makes a group a member of itself')
    expect(await refusal(service.create({ name: 'filed' }))).toContain(
      'name "filed" is the name of a repository already',
    )
    expect(await refusal(service.create({ name: 'a', quota: { tags: 1 }, typ: 'hosted' }))).toContain(
      'did you mean type?',
    )
  })

  test('changes what is named and leaves the rest, also a secret that comes back as it was shown', async () => {
    await service.create({ name: 'hub', type: 'proxy', upstream, description: 'Ours' })
    const shown = (await service.get('hub'))!
    await service.update('hub', {
      ...shown.settings,
      upstream: { ...(shown.settings['upstream'] as object), tagAge: '5m' },
    })
    expect(live.named('hub')).toMatchObject({ upstream: { ...upstream, tagAgeMs: 300_000 } })
    await service.update('hub', { upstream: { password: null, username: null, tagAge: null } })
    expect(live.named('hub')).toMatchObject({ upstream: { password: undefined, tagAgeMs: 60_000 } })
    expect((await service.get('hub'))?.settings['description']).toBe('Ours')
    expect(await refusal(service.update('hub', { type: 'hosted' }))).toContain(
      'type of repository hub cannot be changed',
    )
    expect(await refusal(service.update('hub', { blobStore: 'fast' }))).toContain('entrepot repo move hub --to STORE')
    expect(await refusal(service.update('nobody', {}))).toContain(
      'there is no repository nobody; there are: filed, hub, private',
    )
  })

  test('an unchanged repository stays the same object, a changed one and the groups with it become others', async () => {
    await service.create({ name: 'a' })
    await service.create({ name: 'b' })
    await service.create({ name: 'ga', type: 'group', members: ['a'] })
    await service.create({ name: 'gb', type: 'group', members: ['b'] })
    const names = ['a', 'b', 'ga', 'gb', 'private']
    const before = names.map((name) => live.named(name))
    await service.update('a', { quota: { tags: 3 } })
    const same = names.filter((name, index) => live.named(name) === before[index])
    expect(same).toEqual(['b', 'gb', 'private'])
    expect(live.named('a')).toMatchObject({ quota: { tags: 3 } })
  })

  test('refuses to change what the file declares', async () => {
    const works = [
      () => service.update('filed', {}),
      () => service.setOnline('filed', false),
      () => service.remove('filed'),
    ]
    for (const work of works)
      expect(await refusal(work())).toStartWith(
        'policy-refused: repository filed is declared in the configuration file',
      )
  })

  test('removes what nothing leads to, and says what does', async () => {
    await service.create({ name: 'a' })
    await service.create({ name: 'bound' })
    await service.create({ name: 'g', type: 'group', members: ['a'] })
    expect(await refusal(service.remove('a'))).toContain('it is a member of g: take it out of members first')
    expect(await refusal(service.remove('bound'))).toContain('a connector leads to it')
    await service.remove('g')
    await service.remove('a')
    expect(events.map(({ action, repository, actor }) => `${actor.name} ${action} ${repository}`)).toEqual([
      'ada repository.create a',
      'ada repository.create bound',
      'ada repository.create g',
      'ada repository.remove g',
      'ada repository.remove a',
    ])
    expect((await service.list()).map(({ name }) => name)).toEqual(['bound', 'filed', 'private'])
    expect([live.named('a'), (await elsewhere()).named('a')]).toEqual([undefined, undefined])
  })

  test('a switch takes a repository offline and back', async () => {
    await service.create({ name: 'a' })
    await service.setOnline('a', false)
    expect(live.named('a')?.offline).toBe('it is switched off')
    await service.setOnline('a', true)
    expect(live.named('a')?.offline).toBeUndefined()
  })

  test('without the key a proxy is offline with the reason, everything else is served, and a new password mends it', async () => {
    await service.create({ name: 'hub', type: 'proxy', upstream })
    await service.create({ name: 'open', type: 'proxy', upstream: { url: 'https://open.example.com' } })
    const other = testSecrets('6'.repeat(64))
    const theirs = await elsewhere(other)
    expect(theirs.named('hub')?.offline).toMatch(
      /^upstream.password of repository hub cannot be opened: it was sealed with key .* bring that key back, or set the secret again$/,
    )
    expect([theirs.named('open')?.offline, theirs.named('private')?.offline]).toEqual([undefined, undefined])
    const healing = serviceOf(other)
    expect((await healing.get('hub'))?.trouble).toContain('upstream.password')
    expect(await refusal(healing.update('hub', { description: 'x' }))).toContain(
      'upstream.password cannot be opened any more',
    )
    await healing.update('hub', { upstream: { password: 'new' } })
    await theirs.refresh()
    expect(theirs.named('hub')).toMatchObject({ upstream: { password: 'new' } })
  })
})
