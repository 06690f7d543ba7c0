import { expect, test } from 'bun:test'
import { AppError } from '../../../errors.ts'
import type { Repository } from '../../../repositories/repositories.ts'
import { createLog } from '../../../telemetry/log.ts'
import { createGroupImages } from './group.ts'
import { createGroupMemory } from './group-memory.ts'
import type { ImageSink, ImageSource } from './image-source.ts'

const common = { store: 'default', writePolicy: 'allow' } as const
const upstream = { url: 'https://registry.example.com', tagAgeMs: 0, absenceAgeMs: 0 }
const log = createLog({ level: 'error', formatter: 'json', stream: { write: () => {} } })

/** Upstreams as a group meets them: each answers, refuses or fails, and counts how often it was asked. */
function groupOf(members: Record<string, () => unknown>, now = Date.now) {
  const asked: string[] = []
  const names = Object.keys(members)
  const repositories = new Map<string, Repository>(
    names.map((name, id) => [name, { ...common, id, name, type: 'proxy', upstream }]),
  )
  const group: Repository = {
    ...common,
    id: 99,
    name: 'images',
    type: 'group',
    members: names.map((repository) => ({ repository, images: [], exclusive: [] })),
    writableMember: undefined,
  }
  const imagesOf = ({ name }: Repository) => {
    const answer = async (local: boolean | undefined) => {
      if (local) return undefined
      asked.push(name)
      return members[name]!()
    }
    return {
      manifest: (_image, _reference, options) => answer(options?.local),
      blob: (_image, _digest, options) => answer(options?.local),
      tags: () => answer(false),
    } as Partial<ImageSource> as ImageSource & ImageSink
  }
  const images = createGroupImages({
    repositories: { named: (name) => repositories.get(name) },
    imagesOf,
    together: { manifest: () => undefined, blob: async () => undefined },
    now,
    log,
  })(group)
  return { asked, images }
}

const manifest = { digest: 'sha256:0', mediaType: 'x', content: new Uint8Array() }
const has = () => manifest
const hasNot = () => undefined
const fails = (code: 'upstream-timeout' | 'throttled') => () => {
  throw new AppError(code, 'no')
}
const latest = { tag: 'latest', digest: undefined }

test('a member in trouble is asked once, then after the others', async () => {
  const { images, asked } = groupOf({ dead: fails('upstream-timeout'), alive: has })
  for (const image of ['one', 'one', 'two', 'three']) expect(await images.manifest(image, latest)).toBe(manifest)
  expect(asked).toEqual(['dead', 'alive', 'alive', 'alive', 'alive'])
})

test('where an image was found is asked first, and the others when it is gone from there', async () => {
  let isThere = true
  const { images, asked } = groupOf({ first: hasNot, second: () => (isThere ? manifest : undefined), third: has })
  await images.manifest('app', latest)
  await images.manifest('app', latest)
  expect(asked).toEqual(['first', 'second', 'second'])
  isThere = false
  expect(await images.manifest('app', latest)).toBe(manifest)
  expect(asked.slice(3)).toEqual(['second', 'first', 'third'])
})

test('an outage is never told as absence, and the most telling one is told', async () => {
  const { images } = groupOf({ slow: fails('upstream-timeout'), limited: fails('throttled'), empty: hasNot })
  expect(images.manifest('app', latest) as Promise<unknown>).rejects.toMatchObject({ code: 'throttled' })
  const none = groupOf({ one: hasNot, two: hasNot })
  expect(await none.images.manifest('app', latest)).toBeUndefined()
})

test('a list leaves out members in trouble while others answer', async () => {
  const tags = groupOf({ dead: fails('upstream-timeout'), alive: () => ['b', 'a'] }).images
  expect(await tags.tags('app', { last: '', limit: 10 })).toEqual(['a', 'b'])
  const dead = groupOf({ dead: fails('upstream-timeout') }).images
  expect(dead.tags('app', { last: '', limit: 10 })).rejects.toMatchObject({ code: 'upstream-timeout' })
})

test('an earlier member that is slow still wins over a later one that is quick', async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const { images, asked } = groupOf({ slow: () => promise, quick: () => ({ ...manifest, digest: 'sha256:1' }) })
  const answer = images.manifest('app', latest)
  while (!asked.includes('quick')) await Bun.sleep(10)
  resolve(manifest)
  expect(await answer).toBe(manifest)
})

test('a member that did not answer the last time is not waited for while another one has the image', async () => {
  let time = 0
  let isWell = false
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const { images, asked } = groupOf(
    { dead: () => (asked.length < 2 ? fails('upstream-timeout')() : isWell ? has() : promise), alive: has },
    () => time,
  )
  await images.manifest('one', latest)
  time += 20_000
  expect(await images.manifest('two', latest)).toBe(manifest)
  expect(asked).toEqual(['dead', 'alive', 'dead', 'alive'])
  // What it says at last counts for the next time.
  resolve(undefined)
  await Bun.sleep(0)
  isWell = true
  await images.manifest('three', latest)
  expect(asked.slice(4)).toEqual(['dead'])
})

test('a member that did not answer the last time is waited for when nobody else has the image', async () => {
  let time = 0
  const { images, asked } = groupOf(
    {
      dead: () => (asked.length < 3 ? fails('upstream-timeout')() : Bun.sleep(1200).then(() => manifest)),
      alive: hasNot,
    },
    () => time,
  )
  await expect(images.manifest('one', latest) as Promise<unknown>).rejects.toMatchObject({ code: 'upstream-timeout' })
  time += 20_000
  expect(await images.manifest('two', latest)).toBe(manifest)
})

test('only so many places of images are remembered', () => {
  const memory = createGroupMemory(() => 0)
  for (let index = 0; index < 50_000; index++) memory.found(`app-${index}`, 'far')
  expect(memory.placeOf('app-0')).toBeUndefined()
  expect(memory.placeOf('app-30000')).toBe('far')
  expect(memory.placeOf('app-29999')).toBeUndefined()
})
