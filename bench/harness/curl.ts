import { run } from './process.ts'

/** One pull, in seconds from the start of the request. */
export interface Pull {
  firstByte: number
  total: number
}

/** Pulls the same URL `count` times at once with curl and discards what comes. Throws when any answer was not 200 with `bytes` bytes. */
export async function pullAtOnce(url: string, bytes: number, count = 1): Promise<Pull[]> {
  const each = Array.from({ length: count }, () => ['-o', '/dev/null', url]).flat()
  const format = '%{http_code} %{size_download} %{time_starttransfer} %{time_total}\\n'
  const many = count > 1 ? ['-Z', '--parallel-immediate', '--parallel-max', String(count)] : []
  const text = await run(['curl', '-sS', '--fail-early', ...many, '-w', format, ...each], { seconds: 120 })
  const pulls = text.trim().split('\n')
  return pulls.map((line) => {
    const [status, size, firstByte, total] = line.split(' ').map(Number)
    if (pulls.length === count && status === 200 && size === bytes) return { firstByte: firstByte!, total: total! }
    throw new Error(
      `expected ${count} answers of ${bytes} bytes from ${url}, got ${pulls.length}, one of them: ${line}`,
    )
  })
}
