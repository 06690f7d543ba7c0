import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../../dist/web')

/**
 * The built files of the web page by name (`index.html`, `assets/main-3f2a.js`), each with the path where it lies; undefined when it was not built.
 * The single executable carries its files itself: deploy/build-binary.ts puts another module in the place of this one.
 */
export function webFiles(): ReadonlyMap<string, string> | undefined {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    return new Map(files.map((file) => [file.slice(folder.length + 1), file]))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
