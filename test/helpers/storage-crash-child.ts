/** Uploads, writes and removes without end until it is killed. Prints the key of each object when the driver said that it is committed. */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openFilesystemDriver } from '../../src/storage/filesystem.ts'
import { patternOf, reusingBuffer } from './streams.ts'

const [root, seed] = process.argv.slice(2)
const driver = await openFilesystemDriver({ root: root! })

async function worker(number: number): Promise<never> {
  for (let round = 0; ; round++) {
    const bytes = patternOf(1 + ((round * 130_003) % 900_000), Number(seed) * 1_000_000 + number * 10_000 + round + 1)
    const digest = createHash('sha256').update(bytes).digest('hex')
    const key = `blobs/${digest.slice(0, 2)}/${digest}/data`
    if (round % 3 === 2) {
      await driver.write(key, reusingBuffer(bytes, 40_000))
    } else {
      const upload = `upload-${seed}-${number}-${round}`
      const middle = bytes.byteLength >> 1
      await driver.append(upload, 0, reusingBuffer(bytes.subarray(0, middle), 40_000))
      await driver.append(upload, middle, reusingBuffer(bytes.subarray(middle), 40_000))
      await driver.commit(upload, key)
    }
    // Straight to the descriptor: what is printed must not wait in this process when it is killed.
    if (round % 4 === 3) await driver.remove(key)
    else writeSync(1, `${key}\n`)
  }
}

await Promise.all([1, 2, 3].map(worker))
