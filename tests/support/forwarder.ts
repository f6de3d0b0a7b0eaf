// Stands before the door for a client that has no access key: adds one, and writes the gateway's authority where the
// client wrote the forwarder's own, in Host and Origin. Everything else passes as the bytes it came as, both ways.
import { connect, createServer, type Socket } from 'node:net'

export interface Forwarder extends AsyncDisposable {
  /** The target's URL, through the forwarder. */
  url: string
}

const HEAD_END = '\r\n\r\n'

/** Bytes of the body that follows this head. Bodies of unknown length are not sent by those who are judged here. */
function bodyLength(head: string): number {
  if (/^transfer-encoding:/im.test(head)) throw new Error('a request body without a length')
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
}

/** Rewrites the heads in a stream of requests and leaves their bodies alone. */
export function headRewriter(rewrite: (head: string) => string): (chunk: Buffer) => Buffer {
  let pending = Buffer.alloc(0)
  let body = 0
  return (chunk) => {
    const out: Buffer[] = []
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const part = pending.subarray(0, body)
      out.push(part)
      body -= part.length
      pending = pending.subarray(part.length)
      const end = body > 0 ? -1 : pending.indexOf(HEAD_END)
      if (end < 0) return Buffer.concat(out)
      const head = pending.subarray(0, end).toString('latin1')
      pending = pending.subarray(end + HEAD_END.length)
      body = bodyLength(head)
      out.push(Buffer.from(rewrite(head) + HEAD_END, 'latin1'))
    }
  }
}

/** A head with the key added and the own authority, by either of its names, replaced. */
export function asKeyHolder(head: string, ownPort: number, target: string, key: string): string {
  const own = [`127.0.0.1:${ownPort}`, `localhost:${ownPort}`]
  const lines = head.split('\r\n').map((line) => {
    const [, name = '', scheme = '', authority = ''] = /^(host|origin): *(http:\/\/)?(\S*)$/i.exec(line) ?? []
    return own.includes(authority) ? `${name}: ${scheme}${target}` : line
  })
  return [...lines, `Authorization: Bearer ${key}`].join('\r\n')
}

export async function startForwarder(target: string, key: string): Promise<Forwarder> {
  const to = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname)
    const rewrite = headRewriter((head) => asKeyHolder(head, port, to.host, key))
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
    }
    near.on('data', (chunk: Buffer) => far.write(rewrite(chunk)))
    far.on('data', (chunk: Buffer) => near.write(chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  return {
    url: `http://127.0.0.1:${port}${to.pathname}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
