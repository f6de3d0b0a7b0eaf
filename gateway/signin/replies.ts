import { jsonReply } from '../web/replies'
import type { OAuthError } from './failure'

/** A failure as JSON (RFC 6749 section 5.2). The connection ends with it: a body may not have been read. */
export function failureReply(error: OAuthError): Response {
  const reply = jsonReply({ error: error.code, error_description: error.description }, error.status)
  reply.headers.set('Connection', 'close')
  if (error.code === 'slow_down' || error.code === 'temporarily_unavailable')
    reply.headers.set('Retry-After', '5')
  return reply
}
