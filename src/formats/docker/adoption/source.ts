import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest } from '../../../content/digest.ts'
import { AppError } from '../../../errors.ts'
import type { Key, StorageDriver } from '../../../storage/driver.ts'
import { repositoriesFolder } from './layout.ts'

/** A place that registry:2 has filled. It is only ever read. */
export type Source = Pick<StorageDriver, 'description' | 'stat' | 'read' | 'list' | 'localFile'>

/** Whether registry:2 has left images here. */
export async function hasImages(source: Source): Promise<boolean> {
  for await (const _ of source.list(`${repositoriesFolder}/`)) return true
  return false
}

/** The names of all images that have a manifest or a tag, as their folders are called, in byte order. Whether they are valid is not asked. */
export async function findImages(source: Source): Promise<string[]> {
  const found = source.localFile ? await localImages(source.localFile(repositoriesFolder)) : await listedImages(source)
  return found.sort((a, b) => (a < b ? -1 : 1))
}

/** Folders are read, the many files in them are not: this is the whole point of asking for the local path. */
async function localImages(root: string): Promise<string[]> {
  const found: string[] = []
  const waiting = ['']
  while (waiting.length > 0) {
    const name = waiting.pop()!
    const entries = await readdir(join(root, name), { withFileTypes: true })
    for (const entry of entries.filter((one) => one.isDirectory())) {
      if (entry.name === '_manifests' && name !== '') found.push(name)
      if (!entry.name.startsWith('_')) waiting.push(name === '' ? entry.name : `${name}/${entry.name}`)
    }
  }
  return found
}

async function listedImages(source: Source): Promise<string[]> {
  const found = new Set<string>()
  const prefix = `${repositoriesFolder}/`
  for await (const { key } of source.list(prefix)) {
    const end = key.indexOf('/_manifests/', prefix.length)
    if (end > 0) found.add(key.slice(prefix.length, end))
  }
  return [...found]
}

/**
 * The bytes of a small object; `absent`, or `too-large` when there are more than `maxBytes`. Throws `unavailable` when they cannot be read. A local
 * file is read in one go: taking over a registry is reading millions of small files.
 */
export async function readSmall(source: Source, key: Key, maxBytes: number) {
  if (!source.localFile) return readPieces(source, key, maxBytes)
  const found = await source.stat(key)
  if (!found) return 'absent'
  if (found.size > maxBytes) return 'too-large'
  const path = source.localFile(key)
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new AppError('unavailable', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function readPieces(source: Source, key: Key, maxBytes: number) {
  const stream = await source.read(key)
  if (!stream) return 'absent'
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of stream) {
    size += piece.length
    if (size > maxBytes) return 'too-large'
    // A chunk is only lent until the next one.
    pieces.push(new Uint8Array(piece))
  }
  return new Uint8Array(Buffer.concat(pieces))
}

const longestLink = 1000

/** What a link file says; undefined when it is missing, empty or no digest. */
export async function readLink(source: Source, key: Key): Promise<Digest | undefined> {
  const bytes = await readSmall(source, key, longestLink)
  if (typeof bytes === 'string') return undefined
  const text = new TextDecoder().decode(bytes).trim()
  return isDigest(text) ? text : undefined
}
