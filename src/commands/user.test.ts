import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { parseHtpasswd } from '../identity/htpasswd.ts'
import { verifyPassword } from '../identity/passwords.ts'
import { addUser, listUsers, removeUser } from './user.ts'

const hasHtpasswd = spawnSync('htpasswd', ['-nbs', 'a', 'b']).status === 0

let folder: string
let file: string

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'entrepot-user-'))
  file = join(folder, 'htpasswd')
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

function io(stdin = '') {
  const said = { out: '', err: '' }
  return {
    said,
    out: { write: (text: string) => (said.out += text) },
    err: { write: (text: string) => (said.err += text) },
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
  }
}

const read = () => fs.readFileSync(file, 'utf8')
const opens = async (name: string, password: string) =>
  verifyPassword(password, parseHtpasswd(read()).entries.get(name)?.hash ?? '')

describe('user add', () => {
  test('makes the file for its owner alone, and prints the password by itself', async () => {
    const at = io()
    expect(await addUser({ name: 'alice', htpasswd: file }, at)).toBe(0)
    expect(at.said.out).toMatch(/^\w{24}\n$/)
    expect(at.said.err).toContain('Added alice')
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(await opens('alice', at.said.out.trim())).toBe(true)
    expect(fs.readdirSync(folder)).toEqual(['htpasswd'])
  })

  test('reads the password from standard input, without the line break, and prints nothing of it', async () => {
    const at = io('two words\r\n')
    expect(await addUser({ name: 'alice', htpasswd: file, passwordStdin: true }, at)).toBe(0)
    expect(at.said.out).toBe('')
    expect(await opens('alice', 'two words')).toBe(true)
  })

  test('changes the password of a user who is there, and keeps comments, order and mode', async () => {
    fs.writeFileSync(file, '# team\nalice:old\n\nbob:kept\n')
    fs.chmodSync(file, 0o644)
    const at = io('a new one')
    expect(await addUser({ name: 'alice', htpasswd: file, passwordStdin: true }, at)).toBe(0)
    expect(at.said.err).toContain('Changed the password of alice')
    expect(read()).toMatch(/^# team\nalice:\$2y\$10\$.{53}\n\nbob:kept\n$/)
    expect(fs.statSync(file).mode & 0o777).toBe(0o644)
  })

  test('changes the file behind a symbolic link and leaves the link', async () => {
    const real = join(folder, 'real')
    fs.writeFileSync(real, 'bob:kept\n')
    fs.symlinkSync(real, file)
    await addUser({ name: 'alice', htpasswd: file }, io())
    expect(fs.lstatSync(file).isSymbolicLink()).toBe(true)
    expect(fs.readFileSync(real, 'utf8')).toMatch(/^bob:kept\nalice:/)
  })

  test.skipIf(process.getuid?.() !== 0)('keeps the owner', async () => {
    fs.writeFileSync(file, '')
    fs.chownSync(file, 1234, 4321)
    await addUser({ name: 'alice', htpasswd: file }, io())
    expect(fs.statSync(file)).toMatchObject({ uid: 1234, gid: 4321 })
  })

  test.skipIf(!hasHtpasswd)('writes what htpasswd verifies', async () => {
    await addUser({ name: 'zoë', htpasswd: file, passwordStdin: true }, io('новый пароль'))
    expect(spawnSync('htpasswd', ['-vi', file, 'zoë'], { input: 'новый пароль' }).status).toBe(0)
  })

  const names: [string, RegExp][] = [
    ['', /empty/],
    ['a:b', /colon/],
    ['#a', /start with #/],
    ['a\nb', /printable/],
    ['a\u202eb', /printable/],
    [' a', /space/],
    ['é'.repeat(128), /255 bytes/],
  ]
  test.each(names)('refuses the name %j and says why', async (name, reason) => {
    const at = io()
    expect(await addUser({ name, htpasswd: file }, at)).toBe(2)
    expect(at.said.err).toMatch(reason)
    expect(fs.existsSync(file)).toBe(false)
  })

  const passwords: [string, string, RegExp][] = [
    ['nothing', '', /no password/],
    ['an empty line', '\n', /no password/],
    ['two lines', 'a\nb\n', /one line/],
    ['more than bcrypt reads', 'long pass '.repeat(8), /72/],
    ['a file by mistake', 'p'.repeat(5000), /too long/],
  ]
  test.each(passwords)('refuses %s as a password and says why', async (_what, stdin, reason) => {
    const at = io(stdin)
    expect(await addUser({ name: 'alice', htpasswd: file, passwordStdin: true }, at)).toBe(2)
    expect(at.said.err).toMatch(reason)
    expect(fs.existsSync(file)).toBe(false)
  })

  test('says what to do when no file is named or its folder is missing', async () => {
    const unnamed = io()
    expect(await addUser({ name: 'alice' }, unnamed)).toBe(2)
    expect(unnamed.said.err).toContain('--htpasswd FILE')
    const homeless = io()
    expect(await addUser({ name: 'alice', htpasswd: join(folder, 'no', 'htpasswd') }, homeless)).toBe(1)
    expect(homeless.said.err).toContain('create its folder first')
  })
})

describe('user remove', () => {
  test('removes every line of the user and nothing else', async () => {
    fs.writeFileSync(file, '# alice\nalice:1\nbob:2\nalice:3\n')
    expect(await removeUser({ name: 'alice', htpasswd: file }, io())).toBe(0)
    expect(read()).toBe('# alice\nbob:2\n')
  })

  test('says that there is no such user, or no such file', async () => {
    const absent = io()
    expect(await removeUser({ name: 'alice', htpasswd: file }, absent)).toBe(1)
    expect(absent.said.err).toContain('there is no file')
    fs.writeFileSync(file, 'bob:2\n')
    const unknown = io()
    expect(await removeUser({ name: 'alice', htpasswd: file }, unknown)).toBe(1)
    expect(unknown.said.err).toContain('There is no user "alice"')
    expect(read()).toBe('bob:2\n')
  })
})

test('user list prints names with the kind of hash, and warnings apart', async () => {
  fs.writeFileSync(file, 'alice:{SHA}EfatjsUqKYSrqv18O1FlA3hcIHI=\nbob:plain\n')
  const at = io()
  expect(await listUsers({ htpasswd: file }, at)).toBe(0)
  expect(at.said.out).toBe('alice\tsha1\nbob\trefused\n')
  expect(at.said.err).toMatch(/line 1.*\n.*line 2/)
})

describe('edits at the same time', () => {
  test('all come through, within a process and between processes', async () => {
    const script = `import { addUser } from ${JSON.stringify(resolve(import.meta.dir, 'user.ts'))}
      const io = { out: { write() {} }, err: process.stderr, stdin: process.stdin }
      const codes = await Promise.all([1, 2, 3].map((i) => addUser({ name: process.env.NAME + i, htpasswd: process.env.FILE }, io)))
      process.exit(Math.max(...codes))`
    const others = ['a', 'b', 'c'].map((name) => {
      const child = spawn(process.execPath, ['-e', script], {
        env: { ...process.env, NAME: name, FILE: file },
        // A refused edit says why in the test's own output.
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      return new Promise((done) => child.on('exit', done))
    })
    const ours = [1, 2, 3].map((i) => addUser({ name: `ours${i}`, htpasswd: file }, io()))
    expect(await Promise.all([...others, ...ours])).toEqual([0, 0, 0, 0, 0, 0])
    const names = [...parseHtpasswd(read()).entries.keys()].sort()
    expect(names).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3', 'ours1', 'ours2', 'ours3'])
    expect(fs.readdirSync(folder)).toEqual(['htpasswd'])
  }, 60_000)

  test('readers never see less than a whole file', async () => {
    fs.writeFileSync(file, `${'# filler\n'.repeat(5000)}bob:kept\n`)
    let done = false
    const reader = (async () => {
      let torn = 0
      while (!done) {
        if (!(await fs.promises.readFile(file, 'utf8')).includes('bob:kept\n')) torn++
      }
      return torn
    })()
    for (let i = 0; i < 5; i++) await addUser({ name: `user${i}`, htpasswd: file }, io())
    done = true
    expect(await reader).toBe(0)
  })
})
