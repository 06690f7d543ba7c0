import { noise } from './noise.ts'

export interface TarEntry {
  name: string
  /** Text, bytes, or that many bytes of noise made of the name. A folder has none. */
  content?: string | Uint8Array | { noise: number }
}

const block = 512

/** A tar archive of the entries, piece by piece. Owners and times are zero, so that the same entries give the same bytes. */
export async function* tarStream(entries: TarEntry[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const { name, content } of entries) {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    const size = bytes === undefined ? 0 : 'noise' in bytes ? bytes.noise : bytes.length
    yield header(name, size, bytes === undefined ? '5' : '0')
    if (bytes === undefined) continue
    if ('noise' in bytes) yield* noise(name, size).stream()
    else yield new Uint8Array(bytes)
    yield new Uint8Array((block - (size % block)) % block)
  }
  yield new Uint8Array(2 * block)
}

/** The same at once. */
export async function tarOf(entries: TarEntry[]): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  for await (const chunk of tarStream(entries)) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

function header(name: string, size: number, type: '0' | '5'): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(block)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  if (size >= 8 ** 11) throw new Error(`${name} is too large for a ustar header`)
  bytes.write(name, 0, 100)
  bytes.write(octal(type === '5' ? 0o755 : 0o644, 7), 100)
  bytes.write(octal(0, 7), 108)
  bytes.write(octal(0, 7), 116)
  bytes.write(octal(size, 11), 124)
  bytes.write(octal(0, 11), 136)
  bytes.fill(' ', 148, 156)
  bytes.write(type, 156)
  bytes.write('ustar\x0000', 257)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return new Uint8Array(bytes)
}
