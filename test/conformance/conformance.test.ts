import { describe, test } from 'bun:test'
import { Unavailable } from '../helpers/process.ts'
import { startServer } from '../helpers/server.ts'
import { type ConformanceResult, runClassicConformance, runConformance, type Verdict } from './run-conformance.ts'

type Run = (options: { host: string; username?: string; password?: string }) => Promise<ConformanceResult>

const suites: [string, Run][] = [
  ['distribution-spec dev', (options) => runConformance({ ...options, version: 'dev' })],
  ['distribution-spec 1.1', (options) => runConformance({ ...options, version: '1.1' })],
  ['distribution-spec 1.1.1, classic suite', runClassicConformance],
]

for (const auth of ['none', 'admin'] as const) {
  const server = await startServer({ auth })
  for (const [suite, run] of suites) {
    const name = `${suite}, ${auth === 'none' ? 'open' : 'with a password'}`
    try {
      const { rows, steps } = await run({ host: server.host, ...server.credentials })
      describe(name, () => [...rows, ...steps].forEach(report))
    } catch (error) {
      if (error instanceof Unavailable) test.skip(`${name}: ${error.message}`, () => {})
      else
        test(name, () => {
          throw error
        })
    }
  }
  await server.stop()
}

function report({ name, status, message }: Verdict): void {
  const body = () => {
    if (status === 'failed') throw new Error(message)
  }
  if (status === 'skipped') test.skip(`${name}: ${message}`, body)
  else test(name, body)
}
