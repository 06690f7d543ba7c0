import { setTimeout as sleep } from 'node:timers/promises'

/** How often is looked, and after how many looks the stream ends: browsers come again by themselves, and a server that stops need not wait for long. */
const lookMs = 1000
const looks = 60

/**
 * Something as server-sent events (HTML, "Server-sent events"): as it is now, and again whenever it has changed, until it is over, gone, or the minute is. Whoever
 * reads slowly gets fewer events, never old ones.
 */
export function eventStream<T>(
  look: () => Promise<T | undefined>,
  isOver: (value: T) => boolean,
  signal: AbortSignal,
): Response {
  const encoder = new TextEncoder()
  let last = ''
  let looked = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (; looked < looks && !signal.aborted; looked++) {
          if (looked > 0) await sleep(lookMs)
          const value = await look()
          const text = value === undefined ? '' : JSON.stringify(value)
          const isEnd = value === undefined || isOver(value)
          if (text !== '' && text !== last) controller.enqueue(encoder.encode(`retry: ${lookMs}\ndata: ${text}\n\n`))
          // A comment: keeps proxies from taking silence for the end.
          else if (looked % 15 === 14) controller.enqueue(encoder.encode(':\n\n'))
          else if (!isEnd) continue
          last = text
          if (isEnd) looked = looks
          else looked++
          if (isEnd) break
          return
        }
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(stream, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } })
}
