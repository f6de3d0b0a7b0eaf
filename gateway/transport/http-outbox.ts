import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { UndeliveredError } from './channel'

/** Milliseconds without a byte after which a message that has no answer of its own is given up. */
export const ACKNOWLEDGE_TIMEOUT = 60_000
/** Milliseconds others wait for the first message after initialize; a server slow to acknowledge it must not stall. */
const FIRST_PATIENCE = 2000

/**
 * What of a leg is on its way to the server: how much, and that nothing overtakes the first message after initialize.
 */
export interface Outbox {
  /**
   * Runs `deliver` for a message. Throws `upstream.busy` when too many bytes wait, `UndeliveredError` once closed. A
   * single message over the limit still goes when it is alone.
   */
  send<T>(message: Uint8Array, isCall: boolean, deliver: () => Promise<T>): Promise<T>
  /** The next message that is not a call goes first, and `then` runs when it was taken, refused or takes too long. */
  expectInitialized(then: () => void): void
  close(): void
}

export function createOutbox(maxQueuedBytes: number, { sleep }: Pick<Runtime, 'sleep'>): Outbox {
  let waitingBytes = 0
  let closed = false
  let afterFirst: (() => void) | null = null
  let first: Promise<void> | null = null

  async function counted<T>(size: number, deliver: () => Promise<T>): Promise<T> {
    waitingBytes += size
    try {
      if (first) {
        await first
        if (closed) throw closedError()
      }
      return await deliver()
    } finally {
      waitingBytes -= size
    }
  }

  return {
    async send(message, isCall, deliver) {
      if (closed) throw closedError()
      if (waitingBytes > 0 && waitingBytes + message.length > maxQueuedBytes) {
        throw new GatewayError(
          'upstream.busy',
          'too much is waiting to be sent to it (limits.send_queue_bytes)',
        )
      }
      if (isCall || !afterFirst) return counted(message.length, deliver)
      const then = afterFirst
      afterFirst = null
      const over = new AbortController()
      const delivery = counted(message.length, deliver).finally(() => over.abort())
      first = Promise.race([delivery, sleep(FIRST_PATIENCE, over.signal)])
        .catch(() => undefined)
        .then(() => {
          first = null
          if (!closed) then()
        })
      return delivery
    },
    expectInitialized(then) {
      afterFirst = then
    },
    close() {
      closed = true
    },
  }
}

const closedError = () => new UndeliveredError('upstream.unavailable', 'the connection is closed')
