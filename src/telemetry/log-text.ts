/**
 * A JSON line as people read it: `2026-11-21T10:00:00.000Z warn  message key=value other="two words"`, then the stacks of errors, indented.
 * Control characters in values are escaped, so nobody can forge a line.
 */
export function formatText(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const words = [`${time} ${String(level).padEnd(5)} ${escapeControls(String(msg ?? ''))}`]
  const stacks: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (!isError(value)) words.push(`${name}=${formatValue(value)}`)
    else
      for (let error: unknown = value, prefix = name; isError(error); error = error.cause, prefix = 'caused by') {
        words.push(`${prefix.replaceAll(' ', '_')}=${formatValue(error.message)}`)
        if (error.stack) stacks.push(`    ${error.stack.split('\n').map(escapeControls).join('\n    ')}`)
      }
  }
  return `${[words.join(' '), ...stacks].join('\n')}\n`
}

interface LoggedError {
  type: string
  message: string
  stack?: string
  cause?: unknown
}

function isError(value: unknown): value is LoggedError {
  return typeof value === 'object' && value !== null && 'type' in value && 'message' in value
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w./:@%+,*-]+$/.test(text) ? text : JSON.stringify(text)
}

export function escapeControls(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
