// A TCP proxy on loopback that makes the network's weather.
import { connect, createServer, type Socket } from 'node:net'

export interface Weather extends AsyncDisposable {
  /** The target's URL, through the proxy. */
  url: string
  /** Holds every chunk back for so many milliseconds. */
  delay(ms: number): void
  /** From now on nothing passes, in either direction, and nobody is told. */
  swallow(): void
  /** Resets every connection there is. */
  reset(): void
  /** Closes everything; new connections are refused. */
  stopListening(): Promise<void>
}

export async function startWeather(target: string): Promise<Weather> {
  const to = new URL(target)
  const sockets = new Set<Socket>()
  let lag = 0
  let swallowing = false

  const pass = (from: Socket, into: Socket) => {
    sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      if (swallowing) return
      if (lag === 0) into.write(chunk)
      else setTimeout(() => into.writable && into.write(chunk), lag)
    })
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      if (!swallowing) setTimeout(() => into.destroy(), lag)
    })
  }
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname)
    pass(near, far)
    pass(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
    return stopped
  }
  return {
    url: `http://127.0.0.1:${address.port}${to.pathname}`,
    delay: (ms) => {
      lag = ms
    },
    swallow: () => {
      swallowing = true
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stopListening: stop,
    [Symbol.asyncDispose]: stop,
  }
}
