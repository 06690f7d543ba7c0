/**
 * Takes pushes and throws them away, as fast as a socket can be read: what a client reaches here is the most it can reach anywhere.
 * Arguments: port. Answers POST with 202, PATCH with 202 and PUT with 201, each once its body has arrived.
 */
interface Connection {
  head: string
  /** Bytes of the body still to come; undefined between requests; -1 while a chunked body arrives. */
  left: number | undefined
  tail: string
  answer: string
}

const moved = 'Location: /v2/sink/blobs/uploads/1\r\nContent-Length: 0\r\n\r\n'

Bun.listen<Connection>({
  hostname: '127.0.0.1',
  port: Number(process.argv[2]),
  socket: {
    open(socket) {
      socket.data = { head: '', left: undefined, tail: '', answer: '' }
    },
    data(socket, chunk) {
      const state = socket.data
      let body = chunk.length
      if (state.left === undefined) {
        state.head += chunk.toString('latin1')
        const end = state.head.indexOf('\r\n\r\n')
        if (end < 0) return
        body = state.head.length - end - 4
        const chunked = /\r\ntransfer-encoding: *chunked/i.test(state.head)
        state.left = chunked ? -1 : Number(/\r\ncontent-length: *(\d+)/i.exec(state.head)?.[1] ?? 0)
        const status = state.head.startsWith('PUT ')
          ? '201 Created'
          : state.head.startsWith('GET ')
            ? '200 OK'
            : '202 Accepted'
        state.answer = `HTTP/1.1 ${status}\r\n${moved}`
        state.head = ''
        state.tail = ''
      }
      if (state.left >= 0) state.left -= body
      else if (body > 0) {
        state.tail = (state.tail + chunk.subarray(-5).toString('latin1')).slice(-5)
        if (state.tail === '0\r\n\r\n') state.left = 0
      }
      if (state.left !== 0) return
      state.left = undefined
      socket.write(state.answer)
    },
  },
})
