import { GatewayError, toGatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { WireError, type Envelope } from '../wire/envelope'
import { createLineFramer } from '../wire/lines'
import { bigMessageBytes, scanMessage, scanMessageAsync } from '../wire/scan'
import type { ChannelEvents } from './channel'
import { createRate } from '../domain/rate'
import type { ServerLog } from './server-log'
import { answeredId } from './stray-id'

/** Messages a server may send unasked: so many at once, so many per second over time. Then it is read more slowly. */
const UNASKED_BURST = 10_000
const UNASKED_PER_SECOND = 5000
/** Bytes handled before the event loop gets a turn. */
const TURN_BYTES = 256 * 1024
const STRIKES = 3
const STRIKES_FORGOTTEN_AFTER = 600_000
const SHOWN = 200
const ENDS = 4096

const complaints: Record<WireError['reason'], string> = {
  parse: 'not JSON',
  depth: 'nested too deeply',
  batch: 'a batch, which MCP has not',
  invalid: 'JSON, but no JSON-RPC message',
  duplicate: 'the same member twice',
  size: 'too large',
}

/** Reads a server's stdout: lines become messages, in order; what is no message costs at most its own call. */
export interface StdioReader {
  /** Resolves at the end of the stream. Never rejects. */
  readonly ended: Promise<void>
  /** A request was sent, so one message is not unasked. */
  expectAnswer(): void
  /** From now on everything is read and thrown away, so that the server is never stuck in a write. */
  mute(): void
  cancel(): void
}

export function readStdout(
  stream: ReadableStream<Uint8Array>,
  options: {
    maxMessageBytes: number
    events: Pick<ChannelEvents, 'onMessage' | 'onCallFailed'>
    log: ServerLog
    runtime: Pick<Runtime, 'monotonic' | 'sleep'>
    /** The leg cannot go on. */
    onFatal(error: GatewayError): void
  },
): StdioReader {
  const { events, log, runtime, maxMessageBytes } = options
  const reader = stream.getReader()
  const unasked = createRate({ burst: UNASKED_BURST, perSecond: UNASKED_PER_SECOND, runtime })
  let debt = 0
  let muted = false
  let strikes: number[] = []
  let oversizeHead: Uint8Array | null = null
  // Behind a message that is scanned in slices the others wait, so that order is kept.
  let waiting: Uint8Array[] | null = null

  function complain(line: Uint8Array, reason: string): void {
    if (!log.room()) return
    const start = Buffer.from(line.subarray(0, SHOWN)).toString('utf8')
    log.write('Transport', `a line on stdout is no message (${reason}): ${start}`)
  }

  function refuse(line: Uint8Array, thrown: unknown): void {
    if (!(thrown instanceof WireError)) return options.onFatal(toGatewayError(thrown))
    const reason = complaints[thrown.reason]
    complain(line, reason)
    const callId = answeredId(line.subarray(0, ENDS), line.subarray(-ENDS))
    if (callId !== null) events.onCallFailed(callId, new GatewayError('upstream.garbage', reason))
  }

  function deliver(message: Envelope): void {
    if (!muted) events.onMessage(message, null)
  }

  function handle(line: Uint8Array): void {
    let message: Envelope
    try {
      message = scanMessage(line)
    } catch (thrown) {
      return refuse(line, thrown)
    }
    deliver(message)
  }

  async function handleWaiting(lines: Uint8Array[]): Promise<void> {
    for (let line = lines.shift(); line && !muted; line = lines.shift()) {
      if (line.length < bigMessageBytes) {
        handle(line)
        continue
      }
      try {
        deliver(await scanMessageAsync(line))
      } catch (thrown) {
        refuse(line, thrown)
      }
    }
  }

  function onLine(line: Uint8Array): void {
    debt = unasked.owe()
    if (waiting) waiting.push(line)
    else if (line.length >= bigMessageBytes) waiting = [line]
    else handle(line)
  }

  function tooLarge(callId: number | null): void {
    if (callId === null) return
    oversizeHead = null
    events.onCallFailed(
      callId,
      new GatewayError('upstream.too_large', `more than ${maxMessageBytes} bytes (limits.message_bytes)`),
    )
  }

  const framer = createLineFramer({
    maxLineBytes: maxMessageBytes,
    onLine,
    onOversize(head) {
      log.line('Transport', `a message over ${maxMessageBytes} bytes was thrown away (limits.message_bytes)`)
      oversizeHead = head
      tooLarge(answeredId(head, null))
      const at = runtime.monotonic()
      strikes = [...strikes.filter((earlier) => at - earlier < STRIKES_FORGOTTEN_AFTER), at]
      if (strikes.length > STRIKES)
        options.onFatal(new GatewayError('upstream.too_large', `${strikes.length} times in ten minutes`))
    },
    onDiscarded(tail) {
      if (oversizeHead) tooLarge(answeredId(oversizeHead, tail))
      oversizeHead = null
    },
  })

  async function read(): Promise<void> {
    for (let sinceTurn = 0; ; ) {
      const { value, done } = await reader.read()
      if (done) return
      if (muted) continue
      framer.push(value)
      if (waiting) {
        await handleWaiting(waiting)
        waiting = null
      }
      if (debt > 0) {
        log.line('Transport', 'it sends more than is asked for and is read more slowly')
        await runtime.sleep(debt)
        debt = 0
        sinceTurn = 0
      }
      sinceTurn += value.length
      if (sinceTurn < TURN_BYTES) continue
      sinceTurn = 0
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  return {
    ended: read().catch((thrown: unknown) => {
      if (!muted) options.onFatal(toGatewayError(thrown))
    }),
    expectAnswer: unasked.refund,
    mute() {
      muted = true
    },
    cancel: () => void reader.cancel().catch(() => undefined),
  }
}
