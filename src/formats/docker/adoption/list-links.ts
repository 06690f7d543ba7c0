import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectInfo } from '../../../storage/driver.ts'
import { isAbsence } from '../../../storage/filesystem-errors.ts'
import { mapBounded } from './bounded.ts'
import { manifestsPrefix } from './layout.ts'
import type { Source } from './source.ts'

/** How many names are looked at together. */
const batch = 200
const atOnce = 16

/** The files below `_manifests/` of an image, in any order. */
export function listLinks(source: Source, image: string): AsyncIterable<ObjectInfo> {
  return source.localFile ? localLinks(source, image) : source.list(manifestsPrefix(image))
}

/**
 * The same with a third of the work: every link has a folder of its own, for a tag even five, and where a folder can only hold the one file there is
 * no need to read it. Folders of millions of links are what takes the time when a large registry is taken over.
 */
async function* localLinks(source: Source, image: string): AsyncGenerator<ObjectInfo> {
  const prefix = manifestsPrefix(image)
  const root = source.localFile!(prefix.slice(0, -1))
  for (const algorithm of await namesIn(join(root, 'revisions'))) {
    const names = await namesIn(join(root, 'revisions', algorithm))
    yield* inBatches(names, async (hex) => [await found(`${prefix}revisions/${algorithm}/${hex}/link`)])
  }
  yield* inBatches(await namesIn(join(root, 'tags')), async (tag) => {
    const folder = `${prefix}tags/${tag}`
    // Not a name that could be asked for; that it is there is all there is to say of it.
    if (!isPlain(tag)) return [{ key: `${folder}/current/link`, size: 0, modifiedAt: new Date(0) }]
    const past = await namesIn(join(root, 'tags', tag, 'index'), { recursive: true })
    const links = past.filter((name) => name.endsWith('/link'))
    return Promise.all([`${folder}/current/link`, ...links.map((name) => `${folder}/index/${name}`)].map(found))
  })

  async function found(key: string): Promise<ObjectInfo | undefined> {
    return key.split('/').every(isPlain) ? source.stat(key) : undefined
  }
}

async function* inBatches(names: string[], find: (name: string) => Promise<(ObjectInfo | undefined)[]>) {
  for (let start = 0; start < names.length; start += batch) {
    const files = await mapBounded(names.slice(start, start + batch), atOnce, find)
    for (const file of files.flat()) if (file) yield file
  }
}

/** What registry:2 itself would write, and nothing that a driver refuses as a key. */
function isPlain(name: string): boolean {
  return /^[\w.+-]{1,255}$/.test(name) && name !== '.' && name !== '..'
}

async function namesIn(folder: string, { recursive = false } = {}): Promise<string[]> {
  try {
    return await readdir(folder, { recursive })
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}
