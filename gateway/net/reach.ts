import { connect } from 'node:net'
import { lookup } from 'node:dns/promises'
import { GatewayError, type ErrorCode } from '../errors'
import type { Runtime } from '../runtime'

/** No byte of the request left this machine's hands: nobody there, refused, or no such name. */
export class UnreachedError extends GatewayError {
  constructor(detail: string, options?: { cause?: unknown; code?: ErrorCode }) {
    super(options?.code ?? 'net.failed', detail, options)
    this.name = 'UnreachedError'
  }
}

/** All addresses of a name, in the order to try them. Rejects when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** The operating system's resolver, hosts file included. */
export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address)

/** Head start of one address over the next (RFC 8305 section 5), in milliseconds. */
const STAGGER = 250

/**
 * The first of `addresses` that accepts a TCP connection; later ones start `STAGGER` ms apart, or at once when an
 * earlier one fails. Rejects with `UnreachedError` when all fail or `timeout` ms pass.
 */
export async function firstReachable(
  addresses: readonly string[],
  port: number,
  timeout: number,
  { sleep }: Pick<Runtime, 'sleep'>,
): Promise<string> {
  const over = new AbortController()
  const attempts: Promise<string>[] = []
  let previous: Promise<unknown> = Promise.resolve()
  for (const address of addresses) {
    const attempt = previous.then(() => tryConnect(address, port, over.signal))
    attempts.push(attempt)
    previous = Promise.race([
      attempt.catch(() => undefined),
      sleep(STAGGER, over.signal).catch(() => undefined),
    ])
    // A connected attempt ends the race below; the ones after it must not start.
    previous = previous.then(() => over.signal.throwIfAborted())
    previous.catch(() => undefined)
  }
  const late = sleep(timeout, over.signal).then(() => {
    throw new UnreachedError('no connection within the time-out (timeouts.connect)')
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([Promise.any(attempts), late])
  } catch (error) {
    if (error instanceof UnreachedError) throw error
    throw new UnreachedError('the connection was refused', { cause: error })
  } finally {
    over.abort()
  }
}

function tryConnect(address: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect({ host: address, port })
    const stop = () => {
      socket.destroy()
      reject(new Error('another address was faster'))
    }
    signal.addEventListener('abort', stop, { once: true })
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop)
      socket.destroy()
      resolve(address)
    })
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop)
      reject(error)
    })
  })
}
