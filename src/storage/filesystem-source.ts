import { join, resolve } from 'node:path'
import type { StorageDriver } from './driver.ts'
import { placeError } from './filesystem-errors.ts'
import { findFile, readFile, walkFiles } from './filesystem-read.ts'
import { checkKey, checkPrefix, spanOf } from './keys.ts'

/** The reading half of a filesystem driver, over a folder of somebody else: nothing is made or changed there, it may be mounted read-only. */
export function readOnlyFolder(
  folder: string,
): Pick<StorageDriver, 'description' | 'stat' | 'read' | 'list'> & { localFile(key: string): string } {
  const root = resolve(folder)
  const description = `folder ${root}`
  const objectPath = (key: string) => join(root, checkKey(key))
  const found = (key: string) =>
    findFile(objectPath(key)).catch((error) => {
      throw placeError(error, description)
    })
  return {
    description,
    async stat(key) {
      const file = await found(key)
      return file && { key, ...file }
    },
    async read(key, range, { signal } = {}) {
      const file = await found(key)
      return file && readFile(objectPath(key), { ...spanOf(range, file.size), size: file.size }, description, signal)
    },
    async *list(prefix) {
      try {
        yield* walkFiles(root, checkPrefix(prefix))
      } catch (error) {
        throw placeError(error, description)
      }
    },
    localFile: objectPath,
  }
}
