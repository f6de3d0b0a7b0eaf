import { GatewayError } from '../errors'
import type { Envelope } from '../wire/envelope'
import { rawOf } from '../wire/members'

const decoder = new TextDecoder()

/** The raw result of an answer to a request of our own; a JSON-RPC error becomes `upstream.garbage` with its words. */
export function readAnswer(answer: Envelope, method: string): Uint8Array {
  if (answer.result) return rawOf(answer.bytes, answer.result)
  const error = answer.error
    ? (parse(rawOf(answer.bytes, answer.error)) as { code?: unknown; message?: unknown })
    : {}
  throw new RefusedError(
    typeof error.code === 'number' ? error.code : 0,
    `${method} was refused: ${String(error.message ?? 'no reason given').slice(0, 300)}`,
  )
}

/** A server answered a request of the gateway's own with a JSON-RPC error of this number. */
export class RefusedError extends GatewayError {
  constructor(
    readonly rpcCode: number,
    detail: string,
  ) {
    super('upstream.garbage', detail)
    this.name = 'RefusedError'
  }
}

/** Parses raw JSON of a message that was scanned before. */
const parse = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))
