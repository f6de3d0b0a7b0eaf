import { GatewayError, toGatewayError } from '../errors'
import { requireAccept } from './body'
import { createDispatch, sessionOf, type DispatchDeps, type Line } from './dispatch'
import { requireVersion } from './methods'
import type { Outlets } from './outlet'
import { emptyReply, failureReply, streamReply } from './replies'

/** Answers every method on `/mcp`; never rejects. */
export type Endpoint = (request: Request, line: Line) => Response | Promise<Response>

/** POST carries messages, GET listens or resumes, DELETE ends the session (MCP 2025-11-25, Streamable HTTP). */
export function createEndpoint(deps: DispatchDeps & { outlets: Outlets }): Endpoint {
  const { authenticator, sessions, outlets } = deps
  const dispatch = createDispatch(deps)

  const listen = (request: Request, line: Line): Response => {
    const proof = authenticator.authenticate(request, line.remote)
    requireAccept(request.headers, ['text/event-stream'])
    requireVersion(request.headers)
    const session = sessionOf(sessions, request, proof)
    const lastEvent = request.headers.get('last-event-id')
    const { stream, after } =
      lastEvent === null ? { stream: session.listen, after: null } : session.findStream(lastEvent)
    const { outlet, body } = outlets.open((gone) => stream.detach(gone))
    line.keepOpen()
    // A second listener takes over from the first: a client that reconnects must not be refused by its own past.
    stream.attach(outlet, proof.identity.keyId, after)
    if (stream === session.listen) {
      session.listenUntil = proof.expiresAt
      session.catchUp(stream)
    }
    return streamReply(body)
  }

  const end = (request: Request, line: Line): Response => {
    const proof = authenticator.authenticate(request, line.remote)
    requireVersion(request.headers)
    sessions.end(sessionOf(sessions, request, proof))
    return emptyReply(204)
  }

  const refuseMethod = (request: Request, line: Line): Response => {
    authenticator.authenticate(request, line.remote)
    throw new GatewayError('http.method_not_allowed', 'use POST, GET or DELETE')
  }

  return (request, line) => {
    if (request.method === 'POST') return dispatch(request, line)
    try {
      if (request.method === 'GET') return listen(request, line)
      if (request.method === 'DELETE') return end(request, line)
      return refuseMethod(request, line)
    } catch (thrown) {
      const error = toGatewayError(thrown)
      if (error.code === 'internal') deps.report(thrown)
      return failureReply(error, null, true)
    }
  }
}
