import { GatewayError } from '../errors'
import type { Envelope } from '../wire/envelope'
import { rawOf } from '../wire/members'

const decoder = new TextDecoder()

/** Enough of a server's words to find a whole secret in, before they are cut for a person. */
const LONGEST_WORDS = 8 * 1024

/**
 * The raw result of an answer to a request of our own; a JSON-RPC error becomes `upstream.garbage` with its words,
 * without secrets.
 */
export function readAnswer(answer: Envelope, method: string, redact: (text: string) => string): Uint8Array {
  if (answer.result) return rawOf(answer.bytes, answer.result)
  const error = answer.error
    ? (parse(rawOf(answer.bytes, answer.error)) as { code?: unknown; message?: unknown; data?: unknown })
    : {}
  const words = String(error.message ?? 'no reason given').slice(0, LONGEST_WORDS)
  throw new RefusedError(
    typeof error.code === 'number' ? error.code : 0,
    `${method} was refused: ${redact(words).slice(0, 300)}`,
    error.data,
  )
}

/** A server answered a request of the gateway's own with a JSON-RPC error of this number. */
export class RefusedError extends GatewayError {
  constructor(
    readonly rpcCode: number,
    detail: string,
    /** Its `data` as it came. */
    readonly data?: unknown,
  ) {
    super('upstream.garbage', detail)
    this.name = 'RefusedError'
  }
}

/** Parses raw JSON of a message that was scanned before. */
const parse = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))
