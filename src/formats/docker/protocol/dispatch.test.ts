import { expect, test } from 'bun:test'
import { fakeIncoming } from '../../../../test/helpers/fake-incoming.ts'
import type { Decide } from '../../../access/decide.ts'
import { AppError } from '../../../errors.ts'
import { createAuthenticator, nobodyIsAsked } from '../../../identity/authenticator.ts'
import type { UserSource } from '../../../identity/sources.ts'
import { createThrottle } from '../../../identity/throttle.ts'
import { createRepositories, type Repository } from '../../../repositories/repositories.ts'
import { nothing } from '../../../repositories/snapshot.ts'
import { createLog } from '../../../telemetry/log.ts'
import type { Images, LookOptions } from '../images/image-source.ts'
import { admit } from './admit.ts'
import { createDockerProtocol } from './dispatch.ts'

const ada: UserSource = {
  name: 'test',
  generation: () => 0,
  verify: async (name, password) => {
    if (name === 'lost') throw new AppError('unavailable', 'the directory does not answer')
    return name !== 'ada' ? 'unknown' : password === 'good' ? { name, admin: false } : 'wrong'
  },
  decoy: async () => {},
  close: async () => {},
}

/** Anyone may pull from `mirror`; everything else is for those who are known. */
const decide: Decide = (principal, action, target) =>
  principal.kind !== 'anonymous' || (action === 'pull' && target?.repository === 'mirror')

function doorOf(perUser = 10) {
  const lines: string[] = []
  const throttle = createThrottle({ perUser, now: () => 0 })
  const authenticator = createAuthenticator({ sources: [ada], realm: 'Test', throttle })
  const log = createLog({ level: 'debug', formatter: 'json', stream: { write: (line: string) => lines.push(line) } })
  const enter = (login: string, action: 'pull' | 'push' | 'enter', repository?: string) => {
    const incoming = fakeIncoming('GET', '/v2/', { authorization: `Basic ${btoa(login)}` })
    const target = repository === undefined ? [] : [{ repository, image: 'library/app' }]
    const image = target.length === 0 ? undefined : { targets: target, name: 'library/app' }
    const admitted = async () => admit({ authenticator, decide, log }, incoming, action, image)
    return admitted().then(
      (principal) => (principal.kind === 'anonymous' ? 'nobody' : principal.name),
      (error: AppError) => error.code,
    )
  }
  return { enter, lines }
}

test('what anyone may pull is pulled with a password for somewhere else', async () => {
  const { enter, lines } = doorOf()
  expect(await enter('hub-user:hub-password', 'pull', 'mirror')).toBe('nobody')
  expect(await enter('ada:bad', 'pull', 'mirror')).toBe('nobody')
  expect(await enter('lost:any', 'pull', 'mirror')).toBe('nobody')
  expect(await enter('ada:good', 'pull', 'mirror')).toBe('ada')
  expect(lines.join('')).toContain('pulled as nobody: the user name or the password is wrong')
  expect(lines.join('')).not.toContain('hub-password')
})

test('a wrong password is refused for everything else', async () => {
  const { enter } = doorOf()
  expect(await enter('ada:bad', 'pull', 'private')).toBe('unauthenticated')
  expect(await enter('ada:bad', 'push', 'mirror')).toBe('unauthenticated')
  expect(await enter('ada:bad', 'enter')).toBe('unauthenticated')
})

test('wrong passwords at a mirror count, and do not end the pulls there', async () => {
  const { enter } = doorOf(2)
  for (let time = 0; time < 4; time++) expect(await enter('ada:bad', 'pull', 'mirror')).toBe('nobody')
  expect(await enter('ada:bad', 'enter')).toBe('throttled')
})

test('only who may push is asked for by a client that is about to', async () => {
  const asked: (LookOptions | undefined)[] = []
  const images = { manifest: (_image, _reference, options) => void asked.push(options) } as Partial<Images> as Images
  const common = { id: 1, name: 'images', store: 'default', writePolicy: 'allow' } as const
  const group: Repository = { ...common, type: 'group', members: [], writableMember: 'private' }
  const snapshot = { ...nothing, byName: new Map([['images', group]]) }
  const ask = async (method: string, accept: string, mayPush: boolean) => {
    const protocol = createDockerProtocol({
      repositories: createRepositories(() => snapshot, 'images'),
      imagesOf: () => images,
      blobs: { holders: async () => [] },
      authenticator: nobodyIsAsked,
      decide: (_, action) => mayPush || action !== 'push',
      log: createLog({ level: 'error' }),
      telling: { tell: () => {}, pulls: false },
      maxTags: 10,
      maxCatalog: 10,
      absoluteUrls: false,
      assertReady: () => {},
    })
    await protocol(fakeIncoming(method, '/v2/app/manifests/1', { accept }))
    return asked.pop()?.toPush
  }
  const [one, two] = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.index.v1+json']
  expect(await ask('HEAD', `${one}, */*`, true)).toBe(true)
  expect(await ask('HEAD', `${one}, */*`, false)).toBe(false)
  expect(await ask('GET', `${one}, */*`, true)).toBe(false)
  for (const accept of [one, `${one}, ${two}, */*`, '*/*', '']) expect(await ask('HEAD', accept, true)).toBe(false)
})
