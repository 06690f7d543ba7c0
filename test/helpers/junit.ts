/** One result of a JUnit report, whoever wrote it. */
export interface TestCase {
  name: string
  /** Names of the suites around it. */
  suite: string
  /** The file it stands in, where the report says so. */
  file: string
  status: 'passed' | 'failed' | 'skipped'
  seconds: number
  /** Why it failed or was skipped. */
  message: string
}

const testCase = /<testcase\b((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g
const attribute = /([\w-]+)="([^"]*)"/g

/** The results in a JUnit report of `bun test`, Ginkgo or the OCI conformance program. */
export function parseJunit(xml: string): TestCase[] {
  return [...xml.matchAll(testCase)].map(([, attributes = '', body = '']) => {
    const about = attributesOf(attributes)
    const trouble = /<(failure|error|skipped)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/\1>)/.exec(body)
    const output = /<system-out>([\s\S]*?)<\/system-out>/.exec(body)?.[1] ?? ''
    const message = trouble ? attributesOf(trouble[2] ?? '').message || unescaped(trouble[3] ?? '') : ''
    return {
      name: about.name ?? '',
      suite: about.classname ?? '',
      file: about.file ?? '',
      status: statusOf(about.status ?? trouble?.[1] ?? 'passed'),
      seconds: Number(about.time ?? 0),
      message: message || unescaped(output),
    }
  })
}

function statusOf(word: string): TestCase['status'] {
  if (word === 'passed') return 'passed'
  // 'failure', 'error', Ginkgo's 'panicked' and 'timedout': whatever is not known to be good is bad.
  return word === 'skipped' || word === 'pending' ? 'skipped' : 'failed'
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(attribute)].map(([, name = '', value = '']) => [name, unescaped(value)]))
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

function unescaped(text: string): string {
  return text
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, '$1')
    .replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
      if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
      if (decimal) return String.fromCodePoint(Number(decimal))
      return entities[name] ?? whole
    })
}
