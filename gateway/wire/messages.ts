import { concat } from './splice'
import { encodeUtf8 } from './text'

// JSON-RPC 2.0 messages of our own. Ids and payloads that came from somebody else go in as the bytes they were.

const head = encodeUtf8('{"jsonrpc":"2.0","id":')
const beforeResult = encodeUtf8(',"result":')
const beforeParams = encodeUtf8(',"params":')
const tail = encodeUtf8('}')

/** A response with this result; `id` and `result` are raw JSON. */
export const resultMessage = (id: Uint8Array, result: Uint8Array): Uint8Array =>
  concat([head, id, beforeResult, result, tail])

/** An error response; `id` is raw JSON, null answers something unreadable. */
export const errorMessage = (
  id: Uint8Array | null,
  error: { code: number; message: string; data?: unknown },
): Uint8Array =>
  concat([head, id ?? encodeUtf8('null'), encodeUtf8(`,"error":${JSON.stringify(error)}`), tail])

/** A request of our own. `params` as raw JSON bytes or as a value to be serialised; absent when not given. */
export const requestMessage = (id: number, method: string, params?: Uint8Array | object): Uint8Array =>
  withParams(`{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`, params)

/** A notification of our own; `params` as for a request. */
export const notificationMessage = (method: string, params?: Uint8Array | object): Uint8Array =>
  withParams(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}`, params)

function withParams(start: string, params: Uint8Array | object | undefined): Uint8Array {
  if (params === undefined) return encodeUtf8(`${start}}`)
  if (params instanceof Uint8Array) return concat([encodeUtf8(start), beforeParams, params, tail])
  return encodeUtf8(`${start},"params":${JSON.stringify(params)}}`)
}
