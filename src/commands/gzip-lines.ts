import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { dirname } from 'node:path'
import { createGunzip, createGzip } from 'node:zlib'
import { AppError } from '../errors.ts'

/** A gzipped text that is written line by line. Nobody sees the file before `finish`, which makes it durable. */
export interface LineWriter {
  /** Waits while the disk, or whoever reads, is slower. */
  write(line: string): Promise<void>
  finish(): Promise<void>
  /** Leaves nothing behind. */
  abandon(): Promise<void>
}

const bytesAtOnce = 256 * 1024

/** Writes to `path`, readable by its owner alone, replacing what is there; or to `stdout` when `path` is `-`. */
export function openLineWriter(path: string, stdout: NodeJS.WritableStream): LineWriter {
  const gzip = createGzip({ level: 6 })
  const target = path === '-' ? toStream(stdout) : toFile(path)
  const copied = (async () => {
    for await (const chunk of gzip) await target.write(chunk as Uint8Array)
  })()
  // Told to whoever writes the next line.
  let failure: { reason: unknown } | undefined
  copied.catch((reason) => {
    failure = { reason }
    gzip.destroy()
  })
  let waiting: string[] = []
  let size = 0

  async function flush(): Promise<void> {
    if (failure) throw failure.reason
    const text = waiting.join('')
    waiting = []
    size = 0
    if (gzip.write(text)) return
    await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), copied])
    if (failure) throw (failure as { reason: unknown }).reason
  }

  return {
    async write(line) {
      waiting.push(line, '\n')
      size += line.length
      if (size >= bytesAtOnce) await flush()
    },
    async finish() {
      await flush()
      gzip.end()
      await copied
      await target.publish()
    },
    async abandon() {
      gzip.destroy()
      await copied.catch(() => {}) // why it was abandoned is what gets told
      target.remove()
    },
  }
}

interface Target {
  write(bytes: Uint8Array): Promise<void>
  publish(): Promise<void>
  remove(): void
}

function toFile(path: string): Target {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`
  const fd = fs.openSync(temporary, 'wx', 0o600)
  let isOpen = true
  const close = () => {
    if (isOpen) fs.closeSync(fd)
    isOpen = false
  }
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done)
    },
    async publish() {
      fs.fsyncSync(fd)
      close()
      fs.renameSync(temporary, path)
      const folder = fs.openSync(dirname(path), 'r')
      fs.fsyncSync(folder)
      fs.closeSync(folder)
    },
    remove() {
      close()
      fs.rmSync(temporary, { force: true })
    },
  }
}

function toStream(stream: NodeJS.WritableStream): Target {
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve())))
  return { write, async publish() {}, remove() {} }
}

/** The lines of a gzipped text file. Throws `request-invalid` when it is no gzip or its end is missing, `unavailable` when it cannot be read. */
export async function* readLines(path: string): AsyncGenerator<string> {
  const gunzip = createGunzip()
  const file = fs.createReadStream(path, { highWaterMark: bytesAtOnce })
  let unreadable: unknown
  file.on('error', (error) => {
    unreadable = error
    gunzip.destroy(error)
  })
  file.pipe(gunzip)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  try {
    for await (const chunk of gunzip) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
      rest = lines.pop()!
      yield* lines
    }
    rest += decoder.decode()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    if (unreadable)
      throw new AppError('unavailable', `cannot read ${path}: ${(unreadable as Error).message}`, { cause })
    throw new AppError('request-invalid', `${path} is no whole gzip file: ${(cause as Error).message}`, { cause })
  } finally {
    file.destroy()
    gunzip.destroy()
  }
  if (rest !== '') throw new AppError('request-invalid', `${path} is not whole: its last line has no end`)
}
