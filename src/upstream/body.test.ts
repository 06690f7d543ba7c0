import { expect, test } from 'bun:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyOf } from './body.ts'
import type { Answer } from './exchange.ts'

const piece = new Uint8Array([1, 2, 3])

/** An answer whose body brings so many pieces and then nothing more, not even its end. */
function answerThatStops(after: number): { answer: Answer; aborted: unknown[] } {
  const aborted: unknown[] = []
  let controller: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given
      for (let sent = 0; sent < after; sent++) controller.enqueue(piece)
    },
  })
  const abort = (reason?: unknown) => {
    aborted.push(reason)
    if (aborted.length === 1) controller.error(reason)
  }
  const url = new URL('http://far.example/')
  const place = { upstream: 'far', host: url.host }
  return { answer: { status: 200, headers: new Headers(), url, place, body, abort }, aborted }
}

test('a consumer that takes its time is not the silence of the sender', async () => {
  const { answer, aborted } = answerThatStops(4)
  let taken = 0
  for await (const _ of bodyOf(answer, 40)) {
    await sleep(60)
    expect(aborted).toEqual([])
    if (++taken === 4) break
  }
  expect(taken).toBe(4)
})

test('silence is noticed also after pauses of the consumer', async () => {
  const { answer, aborted } = answerThatStops(2)
  const bytes = bodyOf(answer, 40)
  await bytes.next()
  await sleep(60)
  await bytes.next()
  await expect(bytes.next()).rejects.toMatchObject({ code: 'upstream-timeout' })
  expect(aborted[0]).toMatchObject({ code: 'upstream-timeout' })
})
