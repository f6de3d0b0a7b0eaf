// HTTP as bytes on a socket, for requests no client library would send.
import { connect } from 'node:net'

export interface RawReply {
  /** All that came back. */
  text: string
  /** Status of each response in it, in order. */
  statuses: number[]
  /** Whether the other side closed the connection. */
  closed: boolean
}

/**
 * Sends `data` and collects what comes until the connection closes. Where it may stay open, what has not come after
 * `firstMs`, or `quietMs` after the last, is not waited for: a busy machine needs both to be generous.
 */
export function rawExchange(
  port: number,
  data: string | Uint8Array,
  { host = '127.0.0.1', firstMs = 60_000, quietMs = 10_000 } = {},
): Promise<RawReply> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    let text = ''
    let timer = setTimeout(() => done(false), firstMs)
    const done = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
      resolve({ text, statuses, closed })
    }
    socket.on('connect', () => socket.write(data))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      clearTimeout(timer)
      timer = setTimeout(() => done(false), quietMs)
    })
    socket.on('error', () => {})
    socket.on('close', () => done(true))
  })
}

/** A request as text; header lines are sent exactly as they are given. */
export const rawRequest = (line: string, headers: readonly string[], body = ''): string =>
  `${line}\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`
