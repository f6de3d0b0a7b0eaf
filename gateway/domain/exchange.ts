import type { Identity } from './client'

/** RFC 5424 names in rising severity, as `logging/setLevel` has them. */
export const logLevels = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const
export type LogLevel = (typeof logLevels)[number]

/** The two dialects of MCP: revisions with `initialize` and sessions, and 2026-07-28 with neither. */
export type Era = 'legacy' | 'modern'

/**
 * One request in flight, and all that steps behind `dispatch` know of its caller. Filled from a session (older
 * era) or from the request's own envelope (2026-07-28).
 */
export interface Exchange {
  identity: Identity
  /** How the caller's message is written: with a session behind it, or with an envelope of its own (2026-07-28). */
  era: Era
  /**
   * Opaque, stable label of the conversation (a session, or a client without one): log routing, idle accounting.
   * Null for a caller that can be told nothing later, such as the person at the command line.
   */
  conversation: string | null
  /** Raw JSON object the client declared. */
  clientCapabilities: string
  /** Lowest level of log message the caller wants; null wants none. */
  logLevel: LogLevel | null
  /** Raw JSON token of the client's own progress token, or null when it asked for no progress. */
  progressToken: Uint8Array | null
  /** Sends a notification (complete JSON-RPC message) on this request's own stream, before its answer. */
  notify(message: Uint8Array): void
  /**
   * Asks the client something for this request: on its stream, or (modern) as part of an `input_required` result.
   * Resolves with the client's raw answer message, whose id means nothing. Rejects with `rpc.cancelled` when the request
   * ends first, and with the reason of `signal` when that is aborted; the client is told not to answer then.
   * `onProgress` gets what the client says of how far it is (`notifications/progress`, a complete message, with the
   * progress token of `params`); clients of 2026-07-28 have no way to say so.
   */
  ask(
    method: string,
    params: Uint8Array,
    signal?: AbortSignal,
    onProgress?: (message: Uint8Array) => void,
  ): Promise<Uint8Array>
  /** Aborted when the caller cancelled. Made when it is first asked for: it costs more than the rest of a call. */
  readonly signal: AbortSignal
  /** Hears of the cancellation at most once, like a listener on `signal` without its cost; null stops listening. */
  onCancel(listener: (() => void) | null): void
  /** True once the caller cancelled. */
  readonly cancelled: boolean
}
