import { constants } from 'node:fs'
import { mkdir, rename, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncAll, withFile } from './filesystem-calls.ts'
import { errnoOf, isAbsence } from './filesystem-errors.ts'

/** The folders below one root, made when an object needs them and removed when the last one leaves. */
export interface Folders {
  /** Moves `from` to `target`, making the folders in between; durable once resolved. Rejects with ENOENT when `from` is gone. */
  publish(from: string, target: string): Promise<void>
  /** Removes the folder that held `target` if nothing is left in it. */
  prune(target: string): Promise<void>
}

/** `root` exists and is never removed or made again: when it is gone, a disk is missing. */
export function createFolders(root: string): Folders {
  // Folders whose own entry is known to be durable. Others may have been made a moment ago, by anybody, and not be on disk yet.
  const settled = new Set([root])

  async function make(folder: string): Promise<void> {
    if (folder === root)
      throw Object.assign(new Error(`${root} has disappeared: is its disk mounted?`), { code: 'ENODEV' })
    try {
      await mkdir(folder, 0o750)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return
      if (errnoOf(error) !== 'ENOENT') throw error
      await make(dirname(folder))
      return make(folder)
    }
    settled.delete(folder)
  }

  // The folder of an object and its parent always have a new entry. Those above rarely do: once durable, they stay.
  async function settle(folder: string): Promise<void> {
    await syncFolder(folder)
    if (folder === root) return
    let child = folder
    do {
      const parent = dirname(child)
      await syncFolder(parent)
      if (child !== folder) remember(child)
      child = parent
    } while (!settled.has(child))
  }

  function remember(folder: string): void {
    if (settled.size > 10_000) settled.clear()
    settled.add(root).add(folder)
  }

  return {
    async publish(from, target) {
      const folder = dirname(target)
      // A folder may be pruned between making it and moving into it, though hardly this often in a row.
      for (let attempt = 1; ; attempt++) {
        if (folder !== root) await make(folder)
        try {
          await rename(from, target)
          break
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT' || attempt === 5) throw error
        }
      }
      await settle(folder)
    },

    async prune(target) {
      const folder = dirname(target)
      if (folder === root) return
      try {
        await rmdir(folder)
        settled.delete(folder)
      } catch (error) {
        if (!isAbsence(error) && errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error
      }
    },
  }
}

async function syncFolder(folder: string): Promise<void> {
  try {
    await withFile(folder, constants.O_RDONLY | constants.O_DIRECTORY, syncAll)
  } catch (error) {
    // Somebody removed the object and its folder again: there is nothing left to make durable.
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
