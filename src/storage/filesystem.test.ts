import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { allOf, bytesOf, patternOf, reusingBuffer, sha256Of, streamOf, textOf } from '../../test/helpers/streams.ts'
import { describeDriver } from '../../test/suites/storage-driver.ts'
import type { StorageDriver } from './driver.ts'
import { openFilesystemDriver } from './filesystem.ts'
import { errnoOf } from './filesystem-errors.ts'
import { withLimit } from './limit.ts'
import { withRetry } from './retry.ts'

const isRoot = process.getuid?.() === 0
const canMount = tryMount()

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'entrepot-storage-'))
}

function removedEmpty(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    // Not there yet, or in use already.
    expect(['ENOENT', 'ENOTEMPTY']).toContain(errnoOf(error)!)
    return false
  }
}

function tryMount(): boolean {
  const folder = temporaryFolder()
  try {
    return (
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder]).status === 0 &&
      spawnSync('umount', [folder]).status === 0
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function describeFilesystem(name: string, wrap: (driver: StorageDriver) => StorageDriver): void {
  describeDriver(name, async () => {
    const root = temporaryFolder()
    return {
      open: async () => wrap(await openFilesystemDriver({ root })),
      destroy: async () => rmSync(root, { recursive: true }),
    }
  })
}

describeFilesystem('filesystem', (driver) => driver)
describeFilesystem('filesystem behind retry and limit', (driver) => withRetry(withLimit(driver, 1)))

describe('filesystem driver', () => {
  let root: string
  let undo: (() => void)[]

  beforeEach(() => {
    root = temporaryFolder()
    undo = [() => rmSync(root, { recursive: true })]
  })

  afterEach(() => {
    for (const step of undo.reverse()) step()
  })

  /** Mounts a small disk at `folder` until the end of the test. */
  function mountSmallDisk(folder: string, size: string): void {
    mkdirSync(folder, { recursive: true })
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder]).status).toBe(0)
    undo.push(() => {
      expect(spawnSync('umount', [folder]).status).toBe(0)
    })
  }

  test('an object is a file at its key, and nothing else is there', async () => {
    const driver = await openFilesystemDriver({ root })
    await driver.append('upload-1', 0, streamOf('x'))
    expect(readdirSync(join(root, '_staged'))).toEqual(['upload-1'])
    await driver.commit('upload-1', 'blobs/ab/abcd/data')
    expect(driver.localFile?.('blobs/ab/abcd/data')).toBe(join(root, 'blobs/ab/abcd/data'))
    expect(readdirSync(root, { recursive: true }).sort()).toEqual([
      '_staged',
      'blobs',
      'blobs/ab',
      'blobs/ab/abcd',
      'blobs/ab/abcd/data',
    ])
  })

  test('removing an object removes its folder, but only that one and only when empty', async () => {
    const driver = await openFilesystemDriver({ root })
    await driver.write('blobs/ab/abcd/data', streamOf('x'))
    await driver.write('blobs/ab/abcd/other', streamOf('x'))
    await driver.remove('blobs/ab/abcd/data')
    expect(existsSync(join(root, 'blobs/ab/abcd/other'))).toBe(true)
    await driver.remove('blobs/ab/abcd/other')
    expect(existsSync(join(root, 'blobs/ab/abcd'))).toBe(false)
    expect(existsSync(join(root, 'blobs/ab'))).toBe(true)
  })

  test('a folder removed just before an object moves into it is made again', async () => {
    const driver = await openFilesystemDriver({ root })
    for (let round = 0; round < 200; round++) {
      let isDone = false
      const writing = driver.write(`blobs/${round}/data`, streamOf('x')).finally(() => {
        isDone = true
      })
      for (let isRemoved = false; !isDone && !isRemoved; ) {
        await new Promise((resolve) => setImmediate(resolve))
        // Another instance prunes: once, at whatever moment the folder is there and empty.
        isRemoved = removedEmpty(join(root, `blobs/${round}`))
      }
      await writing
      expect(await driver.stat(`blobs/${round}/data`)).toBeDefined()
    }
  })

  test('the folder is made when missing, parents included', async () => {
    const driver = await openFilesystemDriver({ root: join(root, 'new/deeper/place') })
    await driver.write('a', streamOf('x'))
    expect(existsSync(join(root, 'new/deeper/place/a'))).toBe(true)
  })

  test('a stream that nobody reads opens nothing', async () => {
    const driver = await openFilesystemDriver({ root })
    await driver.write('a', streamOf('x'))
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 50; round++) await driver.read('a')
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 25)
  })

  test('a stream that is left early closes its file', async () => {
    const driver = await openFilesystemDriver({ root })
    await driver.write('a', reusingBuffer(patternOf(1_000_000), 100_000))
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 50; round++) {
      for await (const chunk of (await driver.read('a'))!) {
        expect(chunk.byteLength).toBeGreaterThan(0)
        break
      }
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 25)
  })

  test('a file that is cut short fails its reader instead of ending early', async () => {
    const driver = await openFilesystemDriver({ root })
    await driver.write('a', reusingBuffer(patternOf(1_000_000), 100_000))
    const early = (await driver.read('a'))!
    const late = (await driver.read('a'))![Symbol.asyncIterator]()
    await late.next()
    truncateSync(join(root, 'a'), 300_000)
    await expect(bytesOf(early)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bytesOf({ [Symbol.asyncIterator]: () => late })).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a root below a file is refused with the path and a fix', async () => {
    writeFileSync(join(root, 'file'), '')
    await expect(openFilesystemDriver({ root: join(root, 'file/place') })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`cannot use the folder ${join(root, 'file/place')}`),
    })
  })

  test('trouble below the root is unavailable and keeps its cause', async () => {
    const driver = await openFilesystemDriver({ root })
    await driver.write('a', streamOf('x'))
    await driver.append('upload-1', 0, streamOf('x'))
    const refusal = { code: 'unavailable', cause: { code: 'ENOTDIR' } }
    await expect(driver.commit('upload-1', 'a/below/a/file')).rejects.toMatchObject(refusal)
    await expect(driver.write('a/below/a/file', streamOf('x'))).rejects.toMatchObject(refusal)
    expect((await allOf(driver.staged())).map(({ id }) => id)).toEqual(['upload-1'])
  })

  test('a root that disappears is reported, and never made again', async () => {
    const driver = await openFilesystemDriver({ root: join(root, 'disk') })
    rmSync(join(root, 'disk'), { recursive: true })
    await expect(driver.check()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(driver.append('upload-1', 0, streamOf('x'))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(driver.write('a/b', streamOf('x'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(existsSync(join(root, 'disk'))).toBe(false)
  })

  test.skipIf(isRoot)(
    'a folder without permission is refused with its path and the user (cannot be seen as root)',
    async () => {
      const locked = join(root, 'locked')
      mkdirSync(locked)
      chmodSync(locked, 0o500)
      await expect(openFilesystemDriver({ root: locked })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/locked.*uid \d+/),
      })
    },
  )

  test.skipIf(!canMount)(
    'a disk that turns read-only is unavailable for writing and still read (needs leave to mount)',
    async () => {
      const disk = join(root, 'disk')
      mountSmallDisk(disk, '4m')
      const driver = await openFilesystemDriver({ root: disk })
      await driver.write('a', streamOf('kept'))
      await driver.append('upload-1', 0, streamOf('x'))
      expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).toBe(0)
      const refusal = { code: 'unavailable', cause: { code: 'EROFS' } }
      await expect(driver.check()).rejects.toMatchObject(refusal)
      await expect(driver.append('upload-1', 1, streamOf('x'))).rejects.toMatchObject(refusal)
      await expect(driver.commit('upload-1', 'b')).rejects.toMatchObject(refusal)
      await expect(driver.write('b', streamOf('x'))).rejects.toMatchObject(refusal)
      await expect(driver.remove('a')).rejects.toMatchObject(refusal)
      expect(await textOf(await driver.read('a'))).toBe('kept')
      await expect(openFilesystemDriver({ root: join(disk, 'deeper') })).rejects.toMatchObject({ code: 'unavailable' })
    },
  )

  test.skipIf(!canMount)(
    'a full disk is storage-full, leaves what was there, and works again with room (needs leave to mount)',
    async () => {
      const disk = join(root, 'disk')
      mountSmallDisk(disk, '4m')
      const driver = await openFilesystemDriver({ root: disk })
      await driver.write('a', reusingBuffer(patternOf(2_000_000), 50_000))
      const tooMuch = patternOf(6_000_000)
      const refusal = { code: 'storage-full', cause: { code: 'ENOSPC' } }
      await expect(driver.append('upload-1', 0, reusingBuffer(tooMuch, 50_000))).rejects.toMatchObject(refusal)
      await expect(driver.write('a', reusingBuffer(tooMuch, 50_000))).rejects.toMatchObject(refusal)
      expect(await sha256Of((await driver.read('a'))!)).toBe(
        createHash('sha256').update(patternOf(2_000_000)).digest('hex'),
      )
      // Half an upload that cannot be trusted would only keep the disk full.
      expect(await allOf(driver.staged())).toEqual([])
      await driver.write('b', reusingBuffer(patternOf(1_500_000), 50_000))
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4096'])
      await expect(driver.check()).rejects.toMatchObject(refusal)
      await driver.remove('filler')
      await driver.check()
    },
  )

  test.skipIf(!canMount)(
    'staged uploads on another file system than the objects are refused (needs leave to mount)',
    async () => {
      mountSmallDisk(join(root, '_staged'), '1m')
      await expect(openFilesystemDriver({ root })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('another file system'),
      })
    },
  )

  test('a process killed at any moment leaves only whole objects, and all that it called committed', async () => {
    const child = resolve(import.meta.dir, '../../test/helpers/storage-crash-child.ts')
    const committed = new Set<string>()
    for (let round = 0; round < 15; round++) {
      const running = spawn(process.execPath, ['--no-install', child, root, `${round}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const killAfter = 1 + ((round * 7) % 23)
      let seen = 0
      for await (const key of createInterface({ input: running.stdout })) {
        committed.add(key)
        // What was printed before the kill still arrives afterwards, and counts.
        if (++seen === killAfter) running.kill('SIGKILL')
      }
      expect(seen).toBeGreaterThanOrEqual(killAfter)
    }
    const driver = await openFilesystemDriver({ root })
    const stored = new Set<string>()
    for await (const { key } of driver.list('')) {
      const digest = await sha256Of((await driver.read(key))!)
      expect(key).toBe(`blobs/${digest.slice(0, 2)}/${digest}/data`)
      stored.add(key)
    }
    expect([...committed].filter((key) => !stored.has(key))).toEqual([])
    for await (const { id } of driver.staged()) await driver.discard(id)
    expect(readdirSync(join(root, '_staged'))).toEqual([])
  }, 30_000)
})
