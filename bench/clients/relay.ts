/**
 * Passes connections on to another port of this machine; what comes back comes at so many bytes per second, each connection for itself.
 * Arguments: port, other port, bytes per second.
 */
import { connect, createServer } from 'node:net'

const [port, target, rate] = process.argv.slice(2).map(Number) as [number, number, number]
/** A line lets this much through at once after a pause, in milliseconds of its rate. */
const burstMs = 10

createServer((near) => {
  const far = connect(target, '127.0.0.1')
  let paidAt = 0
  const goOn = () => far.resume()
  far.on('data', (bytes) => {
    const now = performance.now()
    paidAt = Math.max(paidAt, now - burstMs) + (bytes.length / rate) * 1000
    const isTaken = near.write(bytes)
    if (isTaken && paidAt - now < 2) return
    far.pause()
    const wait = () => setTimeout(goOn, Math.max(0, paidAt - performance.now()))
    if (isTaken) wait()
    else near.once('drain', wait)
  })
  near.pipe(far)
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    socket.on('end', () => other.end())
    socket.on('error', () => other.destroy())
  }
}).listen(port, '127.0.0.1')
