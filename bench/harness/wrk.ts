import { spawnSync } from 'node:child_process'
import { run } from './process.ts'

/**
 * Requests per second that wrk got answered with 2xx. Throws when any answer was something else or any connection failed: a
 * rate of errors is no result.
 */
export async function requestRate(
  url: string,
  options: { connections: number; seconds: number; headers?: Record<string, string> },
): Promise<number> {
  const headers = Object.entries(options.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const load = ['-t1', `-c${options.connections}`, `-d${options.seconds}s`, '--timeout', '10s']
  return parseWrk(await run(['wrk', ...load, ...headers, url], { seconds: options.seconds + 30 }))
}

/** Reads wrk's summary. Throws an Error that quotes it when it reports errors or no rate. */
export function parseWrk(text: string): number {
  const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1]
  if (rate === undefined || Number(rate) === 0 || /Non-2xx|Socket errors/.test(text)) {
    throw new Error(`wrk did not measure answers alone:\n${text}`)
  }
  return Number(rate)
}

/** The version wrk prints, which it does with exit code 1. */
export function wrkVersion(): string {
  const { stdout, stderr } = spawnSync('wrk', ['-v'], { encoding: 'utf8' })
  return /wrk (\S+)/.exec(stdout + stderr)?.[1] ?? 'unknown'
}
