import { connect } from 'node:http2'
import { createConnection } from 'node:net'

/**
 * `ImageService.PullImage` of the Container Runtime Interface, version 1, at a containerd's socket: what the kubelet calls. Returns the image's reference.
 * Throws with the message of the runtime.
 */
export function criPull(socket: string, image: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const session = connect('http://localhost', { createConnection: () => createConnection(socket) })
  session.on('error', reject)
  const call = session.request({
    ':method': 'POST',
    ':path': '/runtime.v1.ImageService/PullImage',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const chunks: Buffer[] = []
  const outcome: Record<string, unknown> = {}
  const note = (headers: object) => void Object.assign(outcome, headers)
  call.on('response', note)
  call.on('trailers', note)
  call.on('data', (chunk: Buffer) => chunks.push(chunk))
  call.on('error', reject)
  call.on('end', () => {
    if (outcome['grpc-status'] === '0') resolve(firstField(Buffer.concat(chunks).subarray(5)).toString())
    else reject(new Error(`PullImage ${image}: ${decodeURIComponent(String(outcome['grpc-message']))}`))
  })
  // PullImageRequest { ImageSpec image = 1 { string image = 1 } }
  const message = field(field(Buffer.from(image)))
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(message.length, 1)
  call.end(Buffer.concat([frame, message]))
  return promise.finally(() => session.close())
}

/** Field 1 of a protobuf message, of less than 128 bytes. */
const field = (value: Buffer) => Buffer.concat([Buffer.from([0x0a, value.length]), value])
const firstField = (message: Buffer) => message.subarray(2, 2 + message[1]!)
