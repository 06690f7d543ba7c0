import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { stringify } from 'yaml'
import { listAuditEvents } from '../database/audit.ts'
import { openDatabase } from '../database/database.ts'
import { findUser } from '../database/users.ts'
import { verifyPassword } from '../identity/passwords.ts'
import { explainAccess } from './access-explain.ts'
import { addGrant, listGrants, listRoles, removeGrant } from './grant.ts'
import { addLocalUser, listLocalUsers, removeLocalUser } from './local-user.ts'
import { rotateSecrets } from './secrets.ts'

let folder: string
let config: string

/** The commands read the environment, which is not their own here. */
const inherited = Object.entries(process.env).filter(([name]) => /^(REGISTRY|ENTREPOT)_/.test(name))

beforeEach(() => {
  for (const [name] of inherited) delete process.env[name]
  folder = fs.mkdtempSync(join(tmpdir(), 'entrepot-access-'))
  config = join(folder, 'config.yml')
  write({})
})
afterEach(() => {
  Object.assign(process.env, Object.fromEntries(inherited))
  fs.rmSync(folder, { recursive: true })
})

function write(more: object): void {
  const base = {
    dataDir: join(folder, 'data'),
    repositories: [
      { name: 'private' },
      { name: 'images', type: 'group', members: ['private'], writableMember: 'private' },
    ],
  }
  fs.writeFileSync(config, stringify({ ...base, ...more }))
}

function io(stdin = '') {
  const said = { out: '', err: '' }
  return {
    said,
    out: { write: (text: string) => (said.out += text) },
    err: { write: (text: string) => (said.err += text) },
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
  }
}

async function stored(name: string) {
  const db = await openDatabase(`sqlite:${join(folder, 'data/entrepot.db')}`)
  try {
    return await findUser(db, name)
  } finally {
    await db.close()
  }
}

/** What the command printed; it must end with `code`. */
async function did(code: number, command: (at: ReturnType<typeof io>) => Promise<number> | number, stdin = '') {
  const at = io(stdin)
  expect([await command(at), at.said.err]).toEqual([code, expect.any(String)])
  return at.said
}

const grants = async () => (await did(0, (at) => listGrants({ config }, at))).out

describe('user add', () => {
  test('makes a developer on all repositories, says so and how to limit it, and prints the password alone', async () => {
    const { out, err } = await did(0, (at) => addLocalUser({ name: 'bob', config }, at))
    expect(await verifyPassword(out.trim(), (await stored('bob'))?.password_hash ?? '')).toBe(true)
    expect(err).toContain('They are developer on all repositories')
    expect(err).toContain('entrepot grant remove 1')
    expect(err).toContain('nobody is an admin')
    expect(await grants()).toBe('1\tuser bob\tdeveloper\t*\t**\tdatabase\n')
  })

  test('makes an admin, or somebody with a role in one place, or with none', async () => {
    expect((await did(0, (at) => addLocalUser({ name: 'root', admin: true, config }, at))).err).toContain('is an admin')
    await did(0, (at) => addLocalUser({ name: 'eve', role: 'reader', repository: 'private', config }, at))
    await did(0, (at) => addLocalUser({ name: 'nil', role: 'none', config }, at))
    expect(await grants()).toBe('1\tuser eve\treader\tprivate\t**\tdatabase\n')
    const users = (await did(0, (at) => listLocalUsers({ config }, at))).out
    expect(users).toBe('eve\tuser\tdatabase\nnil\tuser\tdatabase\nroot\tadmin\tdatabase\n')
  })

  test('changes the password of a user who is there and leaves what they may do', async () => {
    await did(0, (at) => addLocalUser({ name: 'bob', role: 'none', config }, at))
    const { err } = await did(0, (at) => addLocalUser({ name: 'bob', passwordStdin: true, config }, at), 'another one')
    expect(err).toContain('Changed the password of bob')
    expect(await verifyPassword('another one', (await stored('bob'))?.password_hash ?? '')).toBe(true)
    expect(await grants()).toBe('')
  })

  test('makes and unmakes an admin of a user who is there', async () => {
    for (const [admin, value] of [
      [undefined, 0],
      [true, 1],
      [undefined, 1],
      [false, 0],
    ] as const) {
      await did(0, (at) => addLocalUser({ name: 'bob', config, admin }, at))
      expect((await stored('bob'))?.admin).toBe(value)
    }
  })

  for (const [what, wanted, reason] of [
    ['a name that cannot be sent', { name: 'a:b' }, /colon/],
    ['a role that is none', { name: 'a', role: 'boss' }, /there is no role "boss", only maintainer, developer, reader/],
    ['a repository that cannot be', { name: 'a', repository: 'A b' }, /is not a name/],
  ] as const)
    test(`refuses ${what} and adds nobody`, async () => {
      expect((await did(2, (at) => addLocalUser({ ...wanted, config }, at))).err).toMatch(reason)
      expect(await stored(wanted.name)).toBeUndefined()
    })

  for (const [what, password] of [
    ['short', 'aB3$xyz'],
    ['their name', 'bobbybobby'],
    ['what everybody takes', 'Password123'],
  ])
    test(`refuses a password that is ${what}, in the database and in the htpasswd file, and does not repeat it`, async () => {
      const add = (at: ReturnType<typeof io>) => addLocalUser({ name: 'bobbybobby', config, passwordStdin: true }, at)
      const { err } = await did(2, add, password)
      expect(err).not.toContain(password ?? '')
      expect(await stored('bobbybobby')).toBeUndefined()
      write({ auth: { htpasswd: { path: join(folder, 'htpasswd') } } })
      await did(2, add, password)
      expect(fs.existsSync(join(folder, 'htpasswd'))).toBe(false)
    })

  test('takes passwords as short as the configuration lets them be', async () => {
    write({ passwords: { minLength: 4 } })
    await did(0, (at) => addLocalUser({ name: 'bob', config, passwordStdin: true }, at), 'vQ7x')
  })

  test('leaves users of the configuration to the configuration', async () => {
    write({ users: [{ name: 'ci', password: 'x', admin: true }] })
    for (const command of [addLocalUser, removeLocalUser])
      expect((await did(2, (at) => command({ name: 'ci', config }, at))).err).toContain('belongs to the configuration')
  })

  test('goes to the htpasswd file that the configuration names', async () => {
    const path = join(folder, 'htpasswd')
    write({ auth: { htpasswd: { path } } })
    await did(0, (at) => addLocalUser({ name: 'bob', config }, at))
    expect(fs.readFileSync(path, 'utf8')).toStartWith('bob:$2y$')
    const { err } = await did(2, (at) => addLocalUser({ name: 'eve', role: 'reader', config }, at))
    expect(err).toContain('entrepot grant add --user eve')
  })
})

test('user remove takes the grants of the user along, and says when there is no such user', async () => {
  await did(0, (at) => addLocalUser({ name: 'bob', config }, at))
  await did(0, (at) => removeLocalUser({ name: 'bob', config }, at))
  expect(await stored('bob')).toBeUndefined()
  expect(await grants()).toBe('')
  expect((await did(1, (at) => removeLocalUser({ name: 'bob', config }, at))).err).toContain('There is no user "bob"')
})

describe('grants', () => {
  test('are added once, listed with those of the file, and removed by number or by whom they are for', async () => {
    write({ grants: [{ authenticated: true, role: 'reader', repository: 'private' }] })
    const devs = { group: 'devs', role: 'developer', repository: 'private', images: ['team-*/**'], config }
    expect((await did(0, (at) => addGrant(devs, at))).err).toContain('Added: developer on private, images team-*/**')
    expect((await did(0, (at) => addGrant(devs, at))).err).toContain('There already is')
    await did(0, (at) => addGrant({ user: 'bob', role: 'reader', repository: '*', config }, at))
    expect(await grants()).toMatch(
      /^-\tauthenticated\treader\tprivate\t\*\*\tfile\n\d+\tgroup devs\tdeveloper\tprivate\tteam-\*\/\*\*\tdatabase\n\d+\tuser bob\treader\t\*\t\*\*\tdatabase\n$/,
    )
    const json = JSON.parse((await did(0, (at) => listGrants({ config, json: true, user: 'bob' }, at))).out)
    expect(json).toMatchObject([{ subject: { kind: 'user', name: 'bob' }, role: 'reader' }])
    await did(0, (at) => removeGrant([String(json[0].id)], { config }, at))
    expect((await did(1, (at) => removeGrant([String(json[0].id)], { config }, at))).err).toContain('no such grant')
    await did(0, (at) => removeGrant([], { group: 'devs', config }, at))
    const { err } = await did(1, (at) => removeGrant([], { authenticated: true, config }, at))
    expect(err).toContain('Change that in the configuration file')
  })

  for (const [what, terms, reason] of [
    ['nobody', { role: 'reader', repository: '*' }, /for whom/],
    ['two at once', { user: 'a', group: 'b', role: 'reader', repository: '*' }, /one at a time/],
    ['no role', { user: 'a', repository: '*' }, /which role/],
    ['no place', { user: 'a', role: 'reader' }, /--repository/],
    ['admin as a role', { user: 'a', role: 'admin', repository: '*' }, /user add NAME --admin/],
    ['a broken pattern', { user: 'a', role: 'reader', repository: '*', images: ['A'] }, /pattern/],
    ['strangers who push', { anonymous: true, role: 'developer', repository: '*' }, /more than pull/],
  ] as const)
    test(`for ${what} are refused`, async () => {
      const { images, ...rest } = { images: undefined, ...terms }
      const options = { ...rest, ...(images ? { images: [...images] } : {}), config }
      expect((await did(2, (at) => addGrant(options, at))).err).toMatch(reason)
    })

  test('are told to be without effect where users of an htpasswd file may do everything', async () => {
    const path = join(folder, 'htpasswd')
    fs.writeFileSync(path, '')
    write({ auth: { htpasswd: { path } } })
    const { err } = await did(0, (at) => addGrant({ user: 'a', role: 'reader', repository: '*', config }, at))
    expect(err).toContain('may do everything as long as')
  })

  test('are removed only when it is said which', async () => {
    expect((await did(2, (at) => removeGrant([], { config }, at))).err).toContain('say which')
    expect((await did(2, (at) => removeGrant(['x'], { config }, at))).err).toContain('no number')
  })
})

test('role list shows what each role allows, those of the configuration too', async () => {
  write({ roles: [{ name: 'cleaner', actions: ['pull', 'delete'] }] })
  const { out } = await did(0, (at) => listRoles({ config }, at))
  expect(out).toContain('cleaner\tpull delete\n')
  expect(out).toContain('developer\tpull push\n')
})

describe('access explain', () => {
  const explain = async (code: number, user: string, image: string, action: string, more: object = {}) =>
    (await did(code, (at) => explainAccess({ user, image, action, config, ...more }, at))).out

  test('names the grant that decides, before there is a database', async () => {
    write({ grants: [{ group: 'devs', role: 'developer', repository: 'private', images: ['team-a/**'] }] })
    const shown = await explain(0, 'bob', 'private/team-a/x', 'push', { groups: 'ops, devs' })
    expect(shown).toContain('who: user bob, in ops, devs\n')
    expect(shown).toContain('answer: yes\n')
    expect(shown).toContain('developer on private, images team-a/**, for group devs (from the configuration file)')
    expect(fs.existsSync(join(folder, 'data'))).toBe(false)
  })

  test('says what to do when nothing allows it', async () => {
    const shown = await explain(1, 'bob', 'localhost:5000/images/x:1', 'push')
    expect(shown).toContain('no grant lets bob push it in private')
    expect(shown).toContain('what is pushed to images goes to private')
    expect(shown).toContain('entrepot grant add --user bob --role developer --repository private')
  })

  test('does what it says to do', async () => {
    const remedy = /to change it: entrepot grant add --user bob --role (\w+) --repository (\w+)/
    const [, role, repository] = remedy.exec(await explain(1, 'bob', 'images/x', 'pull')) ?? []
    await did(0, (at) => addGrant({ user: 'bob', role, repository, config }, at))
    expect(await explain(0, 'bob', 'images/x', 'pull')).toContain('answer: yes')
  })

  test('knows admins, strangers, robots and open registries', async () => {
    await did(0, (at) => addLocalUser({ name: 'root', admin: true, config }, at))
    expect(await explain(0, 'root', 'x', 'delete')).toContain('admins may do everything')
    expect(await explain(1, 'root', 'x', 'delete', { robot: true })).toContain('who: robot root\n')
    expect(await explain(1, 'anonymous', 'x', 'pull')).toContain('--anonymous --role reader --repository private')
    expect(await explain(1, 'anonymous', 'x', 'push')).toContain('to change it: log in')
    expect(await explain(1, 'bob', 'x', 'observe')).toContain('it is for admins')
    write({ auth: { none: {} } })
    expect(await explain(0, 'bob', 'x', 'delete')).toContain('auth is none')
  })

  test('knows that short names of Docker Hub have a long one', async () => {
    write({
      repositories: [{ name: 'hub', type: 'proxy', upstream: { url: 'https://registry-1.docker.io' } }],
      defaultRepository: 'hub',
      grants: [{ user: 'bob', role: 'reader', repository: 'hub', images: ['!library/mysql'] }],
    })
    expect(await explain(1, 'bob', 'mysql', 'pull')).toContain('mysql is also library/mysql')
  })

  test('says from where, also through a group', async () => {
    const repositories = [
      { name: 'private', allowFrom: ['10.0.0.0/8'] },
      { name: 'images', type: 'group', members: ['private'], writableMember: 'private' },
    ]
    write({ repositories, grants: [{ user: 'bob', repository: '*', role: 'developer' }] })
    for (const image of ['private/app', 'images/app']) {
      const { out } = await did(0, (at) => explainAccess({ user: 'bob', image, action: 'push', config }, at))
      expect(out).toContain('only from 10.0.0.0/8: allowFrom of private')
    }
  })

  test('refuses what is no action or no image', async () => {
    await explain(2, 'bob', 'x', 'rule')
    await explain(1, 'bob', 'X Y', 'pull')
  })
})

describe('the audit log', () => {
  async function told() {
    const db = await openDatabase(`sqlite:${join(folder, 'data/entrepot.db')}`)
    try {
      const rows = await listAuditEvents(db.queries, {}, { limit: 100 })
      return rows.toReversed().map(({ action, object, repository, actor_kind, detail }) => {
        expect(actor_kind).toBe('console')
        return [action, object, repository, detail === null ? undefined : JSON.parse(detail)]
      })
    } finally {
      await db.close()
    }
  }

  test('has users and grants that were changed at the console, and nothing that was refused or only listed', async () => {
    await did(0, (at) => addLocalUser({ name: 'bob', config, role: 'none' }, at))
    await did(0, (at) => addLocalUser({ name: 'bob', config, admin: true }, at))
    await did(2, (at) => addLocalUser({ name: 'bob', config, passwordStdin: true }, at), 'short')
    const terms = { user: 'bob', role: 'reader', repository: 'private', images: ['team/**'], config }
    await did(0, (at) => addGrant(terms, at))
    await did(0, (at) => addGrant(terms, at))
    await did(0, (at) => listGrants({ config }, at))
    await did(0, (at) => removeGrant([], { user: 'bob', config }, at))
    await did(0, (at) => removeLocalUser({ name: 'bob', config }, at))
    await did(1, (at) => removeLocalUser({ name: 'bob', config }, at))
    expect(await told()).toEqual([
      ['user.create', 'bob', '', undefined],
      ['user.update', 'bob', '', { admin: true }],
      ['grant.create', 'user bob', 'private', { role: 'reader', images: 'team/**' }],
      ['grant.remove', 'user bob', 'private', { role: 'reader', images: 'team/**' }],
      ['user.remove', 'bob', '', undefined],
    ])
  })

  test('has those of the htpasswd file that the configuration names', async () => {
    write({ auth: { htpasswd: { path: join(folder, 'htpasswd') } } })
    await did(0, (at) => addLocalUser({ name: 'ci', config }, at))
    await did(0, (at) => addLocalUser({ name: 'ci', config }, at))
    await did(0, (at) => removeLocalUser({ name: 'ci', config }, at))
    await did(1, (at) => removeLocalUser({ name: 'ci', config }, at))
    expect((await told()).map(([action]) => action)).toEqual(['user.create', 'user.update', 'user.remove'])
  })

  test('has a change of the key', async () => {
    await did(0, (at) => rotateSecrets({ config }, at))
    expect((await told()).map(([action]) => action)).toEqual(['secrets.rotate'])
  })
})
