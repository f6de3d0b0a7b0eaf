import type { ServerSource } from '../domain/log'
import { GatewayError, type ErrorCode } from '../errors'
import type { Envelope } from '../wire/envelope'

/**
 * One open leg to a server: moves whole messages, knows nothing of their meaning. stdio, Streamable HTTP and legacy
 * SSE each open one (`openStdio`, `openStreamableHttp`, `openSse`); ids, time-outs and discovery are the
 * connection's.
 */
export interface Channel {
  /**
   * True where each call has a stream of its own: `abandon` tells the server by itself, and headers are sent. A pipe
   * has neither.
   */
  readonly streamsPerCall: boolean
  /**
   * Hands one complete message over. A returned promise is back-pressure. Rejects (or throws) with
   * `UndeliveredError` when the server surely never saw the message, else with a GatewayError.
   * `callId` is the connection's own id of the request in `message`; null for notifications and answers. `headers`
   * (names in lower case, values ready to be sent) go with this message alone; a message that has them stands for
   * itself: no session is begun by its answer, and a stream that breaks is not taken up again.
   */
  send(message: Uint8Array, callId: number | null, headers?: MessageHeaders): void | Promise<void>
  /** The caller lost interest in a call: HTTP closes its stream; stdio has nothing to do. */
  abandon(callId: number): void
  /** Called once after initialize, never without one: HTTP sends the version from now on and opens its listen stream. */
  negotiated(protocolVersion: string): void
  /** Ends the leg and everything it started (the whole process tree). Idempotent; resolves when it is gone. */
  close(): Promise<void>
}

/** HTTP headers of one message. */
export type MessageHeaders = Readonly<Record<string, string>>

/** What a leg reports. Never called after `onClose`. */
export interface ChannelEvents {
  /**
   * A well-formed message arrived. `callId` is the call on whose own stream it came, or null where the leg cannot
   * know (stdio, SSE, the HTTP listen stream).
   */
  onMessage(message: Envelope, callId: number | null): void
  /** A call failed on the way, without a JSON-RPC answer. */
  onCallFailed(callId: number, error: GatewayError): void
  /**
   * A call begins to wait for an access token, or goes on: the server knows nothing of it meanwhile. Told in pairs.
   */
  onWait?(callId: number, waiting: boolean): void
  /** The leg is gone for good. `null` means we closed it. */
  onClose(error: GatewayError | null): void
  /** One line for the server's log: its stderr, or what was wrong with what it sent. Bounded by the leg. */
  onLog(source: ServerSource, line: string): void
}

/** The server surely did not process the message: it may be sent once more after reconnecting. */
export class UndeliveredError extends GatewayError {
  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(code, detail, options)
    this.name = 'UndeliveredError'
  }
}

/** Sizes of one leg, in bytes and messages; all are settings. */
export interface ChannelLimits {
  /** Longest single message from the server. */
  maxMessageBytes: number
  /** Bytes waiting to be written to the server before `send` fails with `upstream.busy`. */
  maxQueuedBytes: number
  /** Milliseconds to open the leg. */
  connectTimeout: number
}
