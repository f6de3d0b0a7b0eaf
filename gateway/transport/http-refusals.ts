import { GatewayError } from '../errors'
import { discard, readBody } from '../net/body'
import { UnreachedError } from '../net/reach'
import type { Envelope } from '../wire/envelope'
import { rawOf } from '../wire/members'
import { NotLetInError } from './authorization'
import { UndeliveredError } from './channel'
import { retryAfterOf } from '../net/retry-after'
import { mediaTypeOf } from './http-headers'
import { isAnswerTo, messageOf, withoutMark } from './http-stream'

const LONGEST_ERROR_BODY = 1024 * 1024
const encoder = new TextEncoder()

/**
 * What a response outside 2xx means. Returns the message when its body is a JSON-RPC error, with the call's id in its
 * place (servers answer `null` or a text there when they refuse early); throws in all other cases: 401 (of a server
 * without a sign-in) as `NotLetInError`, an unknown session as `UndeliveredError`, the rest as `upstream.http_error`.
 */
export async function readRefusal(
  response: Response,
  callId: number | null,
  hadSession: boolean,
  now: number,
): Promise<Envelope> {
  if (response.status === 401) {
    await discard(response)
    throw new NotLetInError('upstream.credentials_refused', 'HTTP 401; check the header you gave it')
  }
  if (response.status === 404 && hadSession) {
    await discard(response)
    throw new UndeliveredError('upstream.lost', 'it ended the session')
  }
  const answer = callId === null ? null : await jsonRpcError(response, callId)
  if (answer) return answer
  const wait = retryAfterOf(response, now)
  await discard(response)
  const advice = wait === null ? '' : `; it asks to wait ${Math.ceil(wait / 1000)} s`
  throw new GatewayError('upstream.http_error', `HTTP ${response.status}${advice}`)
}

async function jsonRpcError(response: Response, callId: number): Promise<Envelope | null> {
  if (mediaTypeOf(response) !== 'application/json') return null
  try {
    const message = await messageOf(withoutMark(await readBody(response, LONGEST_ERROR_BODY)))
    if (!message.error) return null
    if (isAnswerTo(message, callId)) return message
    const error = rawOf(message.bytes, message.error)
    const head = encoder.encode(`{"jsonrpc":"2.0","id":${callId},"error":`)
    return await messageOf(Buffer.concat([head, error, encoder.encode('}')]))
  } catch {
    return null
  }
}

/** A failure of `safeFetch` while a message was on its way, in the words of a leg. */
export function sendFailure(thrown: unknown): GatewayError {
  if (thrown instanceof UnreachedError && thrown.code === 'net.failed') {
    return new UndeliveredError('upstream.unavailable', thrown.detail, { cause: thrown })
  }
  if (thrown instanceof GatewayError && thrown.code !== 'net.failed') return thrown
  return new GatewayError('upstream.lost', 'the connection broke before it answered', { cause: thrown })
}
