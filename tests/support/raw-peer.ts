// A server of HTTP by hand: answers every connection with the bytes a test chooses, and counts what left.
import { createServer, type Socket } from 'node:net'

export interface RawPeer extends AsyncDisposable {
  url: URL
  /** Bytes the peer gave to the kernel so far. */
  sent(): number
  requests: number
}

/** `speak` starts when a request has begun to arrive. */
export async function startRawPeer(speak: (write: Write, socket: Socket) => void | Promise<void>) {
  const sockets = new Set<Socket>()
  let sent = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.once('data', () => {
      peer.requests += 1
      const write: Write = (bytes) =>
        new Promise((resolve) => {
          if (socket.destroyed) return resolve(false)
          socket.once('close', () => resolve(false))
          socket.write(bytes, (error) => {
            if (!error) sent += bytes.length
            resolve(!error && !socket.destroyed)
          })
        })
      void speak(write, socket)
    })
    socket.setMaxListeners(0)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const peer: RawPeer = {
    url: new URL(`http://127.0.0.1:${address.port}/`),
    sent: () => sent,
    requests: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return peer
}

/** Resolves with false once nobody listens any more. */
export type Write = (bytes: string | Uint8Array) => Promise<boolean>

/** The same piece again and again, `most` bytes at most. */
export async function flood(write: Write, piece: string | Uint8Array, most: number): Promise<void> {
  for (let size = 0; size < most; size += piece.length) if (!(await write(piece))) return
}
