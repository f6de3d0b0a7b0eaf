import type { Proof } from '../auth/authenticate'
import { GatewayError, toGatewayError } from '../errors'
import type { Session } from '../session/session'
import { requireAccept } from './body'
import { createDispatch, sessionOf, type DispatchDeps } from './dispatch'
import type { Line } from './line'
import { requireVersion } from './methods'
import type { Outlets } from './outlet'
import { modernVersion } from './modern-envelope'
import { emptyReply, failureReply, streamReply } from './replies'

/** Answers every method on `/mcp`; never rejects. */
export type Endpoint = (request: Request, line: Line) => Promise<Response>

/** POST carries messages, GET listens or resumes, DELETE ends the session (MCP 2025-11-25, Streamable HTTP). */
export function createEndpoint(deps: DispatchDeps & { outlets: Outlets }): Endpoint {
  const { authenticator, sessions, outlets } = deps
  const dispatch = createDispatch(deps)

  const listen = (request: Request, line: Line, proof: Proof, session: Session): Response => {
    const lastEvent = request.headers.get('last-event-id')
    const { stream, after } =
      lastEvent === null ? { stream: session.listen, after: null } : session.findStream(lastEvent)
    const { outlet, body } = outlets.open((gone) => stream.detach(gone))
    line.keepOpen()
    // A second listener takes over from the first: a client that reconnects must not be refused by its own past.
    stream.attach(outlet, proof.identity.credentialId, after)
    if (stream === session.listen) {
      session.listenUntil = proof.expiresAt
      session.catchUp(stream)
    }
    return streamReply(body)
  }

  const end = (session: Session): Response => {
    sessions.end(session)
    return emptyReply(204)
  }

  const serve = async (request: Request, line: Line): Promise<Response> => {
    const proof = await authenticator.authenticate(request, line.remote)
    const listens = request.method === 'GET'
    const modern = request.headers.get('mcp-protocol-version') === modernVersion
    if (modern || (!listens && request.method !== 'DELETE'))
      throw new GatewayError('http.method_not_allowed', modern ? 'use POST' : 'use POST, GET or DELETE')
    if (listens) requireAccept(request.headers, ['text/event-stream'])
    requireVersion(request.headers)
    const session = await sessionOf(sessions, request, proof)
    authenticator.confirm(proof)
    return listens ? listen(request, line, proof, session) : end(session)
  }

  return (request, line) => {
    if (request.method === 'POST') return dispatch(request, line)
    return serve(request, line).catch((thrown: unknown) => {
      const error = toGatewayError(thrown)
      if (error.code === 'internal') deps.report(thrown)
      return failureReply(error, null, { closes: true, signIn: line.signIn })
    })
  }
}
