import { describe, test } from 'bun:test'
import { Unavailable } from '../helpers/process.ts'
import { startServer } from '../helpers/server.ts'
import { type ConformanceResult, runClassicConformance, runConformance, type Verdict } from './run-conformance.ts'

type Run = (options: {
  host: string
  username?: string
  password?: string
  bearer: boolean
}) => Promise<ConformanceResult>

const suites: [string, Run][] = [
  ['distribution-spec dev', (options) => runConformance({ ...options, version: 'dev' })],
  ['distribution-spec 1.1', (options) => runConformance({ ...options, version: '1.1' })],
  ['distribution-spec 1.1.1, classic suite', runClassicConformance],
]

/** How clients are let in, by the words for it. */
const ways = [
  ['open', { auth: 'none' }],
  ['with a password', { auth: 'admin', env: { ENTREPOT_TOKENS_CHALLENGE: 'basic' } }],
  ['with a token', { auth: 'admin', env: { ENTREPOT_TOKENS_CHALLENGE: 'bearer' } }],
] as const

for (const [way, options] of ways) {
  const server = await startServer(options)
  for (const [suite, run] of suites) {
    const name = `${suite}, ${way}`
    try {
      const { rows, steps } = await run({ host: server.host, ...server.credentials, bearer: way === 'with a token' })
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
