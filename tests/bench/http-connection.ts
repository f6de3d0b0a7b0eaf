// One kept-alive HTTP/1.1 connection that costs the load generator as little as possible: requests are bytes made
// beforehand, answers are cut out of the socket's chunks.
import { createSseParser } from '../../gateway/wire/sse'

export interface Answer {
  status: number
  /** Status line and headers. */
  head: string
  /** The JSON-RPC text: the body, or the last event of a stream. */
  text: string
}

export interface HttpConnection {
  /** One request at a time. */
  exchange(request: Uint8Array): Promise<Answer>
  close(): void
}

interface Pending {
  resolve(answer: Answer): void
  reject(error: Error): void
}

export async function openConnection(url: URL): Promise<HttpConnection> {
  let pending: Pending | null = null
  let received = Buffer.alloc(0)
  const fail = (reason: string) => {
    pending?.reject(new Error(`${url.origin}: ${reason}`))
    pending = null
  }
  const socket = await Bun.connect({
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 80),
    socket: {
      data(_, chunk) {
        received = received.length === 0 ? Buffer.from(chunk) : Buffer.concat([received, chunk])
        const answer = readAnswer(received)
        if (answer === null) return
        received = Buffer.alloc(0)
        const waiting = pending
        pending = null
        waiting?.resolve(answer)
      },
      close: () => fail('the connection was closed'),
      error: (_, error) => fail(error.message),
    },
  })
  return {
    exchange: (request) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject }
        const written = socket.write(request)
        if (written !== request.length) fail('a request does not fit the socket')
      }),
    close: () => socket.end(),
  }
}

function readAnswer(received: Buffer): Answer | null {
  const split = received.indexOf('\r\n\r\n')
  if (split < 0) return null
  const head = received.toString('latin1', 0, split)
  const status = Number(head.slice(9, 12))
  const body = received.subarray(split + 4)
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length !== undefined) {
    const size = Number(length)
    return body.length < size ? null : { status, head, text: messageText(head, body.subarray(0, size)) }
  }
  if (!/^transfer-encoding: *chunked/im.test(head)) return { status, head, text: '' }
  const whole = dechunk(body)
  return whole && { status, head, text: messageText(head, whole) }
}

/** The chunks put together; null while the last one is missing. */
function dechunk(body: Buffer): Buffer | null {
  const chunks: Buffer[] = []
  for (let pos = 0; ; ) {
    const end = body.indexOf('\r\n', pos)
    if (end < 0) return null
    const size = Number.parseInt(body.toString('latin1', pos, end), 16)
    if (body.length < end + size + 4) return null
    if (size === 0) return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    chunks.push(body.subarray(end + 2, end + 2 + size))
    pos = end + size + 4
  }
}

function messageText(head: string, body: Buffer): string {
  if (!/^content-type: *text\/event-stream/im.test(head)) return body.toString('utf8')
  let last = ''
  const parser = createSseParser({
    maxEventBytes: 64 * 1024 * 1024,
    onEvent: ({ data }) => {
      if (data.length > 0) last = new TextDecoder().decode(data)
    },
    onRetry: () => {},
  })
  parser.push(body)
  return last
}
