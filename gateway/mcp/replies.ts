import type { Era } from '../domain/exchange'
import { type GatewayError, toJsonRpcError, toProblem } from '../errors'
import { errorMessage } from '../wire/messages'

const guarded = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
}

/** Header sets are built once: making them anew costs more than the rest of an answer. */
const jsonHeaders = new Headers({ ...guarded, 'Content-Type': 'application/json' })
const bareHeaders = new Headers(guarded)
const streamHeaders = new Headers({
  ...guarded,
  'Content-Type': 'text/event-stream',
  'X-Accel-Buffering': 'no',
})

/** Seconds after which trying again makes sense, for the failures where it does. */
const retryAfter: Partial<Record<GatewayError['code'], string>> = {
  'auth.too_many_failures': '5',
  'http.too_busy': '1',
}

// Messages never lie in shared memory; the type of `Response` wants to be told.
type Bytes = Uint8Array<ArrayBuffer>

/** A complete JSON document. */
export const jsonReply = (body: Uint8Array | string, status = 200): Response =>
  new Response(body as Bytes | string, { status, headers: jsonHeaders })

/** A message of an `initialize` that opened a session. */
export function openingReply(body: Uint8Array, sessionId: string): Response {
  const headers = new Headers(jsonHeaders)
  headers.set('Mcp-Session-Id', sessionId)
  return new Response(body as Bytes, { headers })
}

/** A `text/event-stream`. */
export const streamReply = (body: ReadableStream<Uint8Array>): Response =>
  new Response(body, { headers: streamHeaders })

/** 202 for what is not answered, 204 for what is done. */
export const emptyReply = (status: 202 | 204): Response =>
  new Response(null, { status, headers: bareHeaders })

/**
 * What a 401 says to do about it (RFC 6750 section 3, RFC 9728 section 5.1). Without an address of metadata a client
 * looks for no sign-in.
 */
function challenge(error: GatewayError, metadata: string | null): string {
  const parts = ['realm="mcpmux"']
  if (error.code !== 'auth.missing_key') parts.push('error="invalid_token"')
  if (metadata !== null) parts.push(`resource_metadata="${metadata}"`)
  return `Bearer ${parts.join(', ')}`
}

const nowhere = (): null => null

function failureHeaders(
  error: GatewayError,
  closes: boolean,
  signIn: () => string | null = nowhere,
): Headers {
  const headers = new Headers(jsonHeaders)
  const wait = retryAfter[error.code]
  if (wait !== undefined) headers.set('Retry-After', wait)
  if (toProblem(error).status === 401) headers.set('WWW-Authenticate', challenge(error, signIn()))
  if (error.code === 'http.method_not_allowed') headers.set('Allow', 'GET, POST, DELETE')
  if (closes) headers.set('Connection', 'close')
  return headers
}

/**
 * A failure of a JSON-RPC request; `id` is its raw id token, null when there is none that could be read. `closes`: the
 * connection ends with it. `signIn`: where a client may look for a sign-in, for a 401.
 */
export const failureReply = (
  error: GatewayError,
  id: Uint8Array | null,
  {
    closes = false,
    era = 'legacy',
    signIn = nowhere,
  }: { closes?: boolean; era?: Era; signIn?: () => string | null } = {},
): Response =>
  new Response(errorMessage(id, toJsonRpcError(error, era)) as Bytes, {
    status: toProblem(error, era).status,
    headers: failureHeaders(error, closes, signIn),
  })

/** A failure outside `/mcp`, or before it. The connection ends: a body was not read. */
export function problemReply(error: GatewayError): Response {
  const { status, body } = toProblem(error)
  return new Response(JSON.stringify(body), { status, headers: failureHeaders(error, true) })
}
