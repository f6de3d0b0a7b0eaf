import type { Era, Exchange } from '../domain/exchange'
import { GatewayError, toGatewayError } from '../errors'
import type { Authenticator, Proof } from '../auth/authenticate'
import type { FeatureView } from '../policy/feature-view'
import type { Session } from '../session/session'
import type { Sessions } from '../session/sessions'
import type { Envelope } from '../wire/envelope'
import { rawOf } from '../wire/members'
import {
  announcedBytes,
  arrivesLarge,
  fromWireError,
  prefersStream,
  readBody,
  readMessage,
  requireAccept,
  requireJson,
} from './body'
import { type Call, idToken } from './call'
import type { Calls } from './calls'
import {
  cancelledToken,
  emptyResult,
  helloMessage,
  LATEST,
  readHello,
  readLevel,
  requireVersion,
} from './methods'
import type { Line } from './line'
import type { Modern } from './modern'
import type { Route } from './route'
import type { SpaceWait } from './space-wait'
import { isModern } from './modern-envelope'
import { emptyReply, failureReply, jsonReply, openingReply } from './replies'

export interface DispatchDeps {
  authenticator: Authenticator
  sessions: Sessions
  calls: Calls
  modern: Modern
  route: Route
  view: (clientId: string, spaceId: string) => FeatureView
  spaceOf: (clientId: string) => string
  spaceWait: SpaceWait
  instructions: (view: FeatureView) => string | null
  /** Largest body in bytes. */
  maxBody: () => number
  version: string
  report: (error: unknown) => void
}

const answerTypes = ['application/json', 'text/event-stream'] as const

/** The session a request names, as `Sessions.find` has it. Throws `session.missing` and `session.unknown`. */
export function sessionOf(sessions: Sessions, request: Request, proof: Proof): Session | Promise<Session> {
  const id = request.headers.get('mcp-session-id')
  if (id === null) throw new GatewayError('session.missing')
  return sessions.find(id, proof.identity)
}

/** Takes one POST the whole way: every step in order, each with what the one before gave. */
export function createDispatch(deps: DispatchDeps) {
  const { authenticator, sessions, calls, route, view, spaceOf, spaceWait, report } = deps

  return async (request: Request, line: Line): Promise<Response> => {
    let message: Envelope | null = null
    let bodyRead = false
    let era: Era = 'legacy'
    try {
      const told = authenticator.authenticate(request, line.remote)
      const proof = told instanceof Promise ? await told : told
      requireJson(request.headers)
      requireAccept(request.headers, answerTypes)
      const announced = announcedBytes(request.headers)
      const arrived = arrivesLarge(announced) ? calls.arrive(proof.identity.clientId) : null
      try {
        const bytes = await readBody(request, announced, deps.maxBody())
        bodyRead = true
        const read = readMessage(bytes)
        message = read instanceof Promise ? await read : read
      } finally {
        arrived?.()
      }
      if (isModern(request.headers, message)) {
        era = 'modern'
        const confirm = () => authenticator.confirm(proof)
        confirm()
        return await deps.modern.take({ request, line, message, proof, confirm })
      }
      requireVersion(request.headers)
      authenticator.confirm(proof)
      if (message.method === 'initialize') return await initialize(message, proof)
      const found = sessionOf(sessions, request, proof)
      const session = found instanceof Promise ? await found : found
      if (session !== found) authenticator.confirm(proof)
      if (message.kind !== 'request') return take(session, message)
      if (message.method === 'ping') return jsonReply(emptyResult(message))
      if (message.method === 'logging/setLevel') return setLevel(session, message)
      const { clientId } = session.facts
      const wait = spaceWait.of(clientId, message.method)
      const visible = view(clientId, spaceOf(clientId))
      session.told ??= visible
      const call = calls.start(session, message, line.keepOpen)
      // Events without data came with that revision, and an answer can be fetched again from its first moment on.
      if (session.facts.protocolVersion === LATEST && prefersStream(request.headers)) call.openStream()
      if (!wait) return await call.answer(begin(visible, message, call))
      return await call.answer(placed(call, message, proof, wait))
    } catch (thrown) {
      const error = toGatewayError(fromWireError(thrown))
      if (error.code === 'internal') report(thrown)
      return failureReply(error, message?.id ? rawOf(message.bytes, message.id) : null, {
        closes: !bodyRead,
        era,
        signIn: line.signIn,
      })
    }
  }

  /** The way of a call whose client is told its Space only now. */
  async function placed(
    call: Call,
    message: Envelope,
    proof: Proof,
    wait: (signal: AbortSignal) => Promise<void>,
  ): Promise<Uint8Array> {
    const { clientId } = proof.identity
    await call.hold(wait(call.signal))
    authenticator.confirm(proof)
    return route(view(clientId, spaceOf(clientId)), message, call)
  }

  /** A router that throws instead of rejecting must not leave its call behind. */
  function begin(visible: FeatureView, message: Envelope, exchange: Exchange): Promise<Uint8Array> {
    try {
      return route(visible, message, exchange)
    } catch (thrown) {
      return Promise.reject(thrown)
    }
  }

  async function initialize(message: Envelope, proof: Proof): Promise<Response> {
    if (message.kind !== 'request') throw new GatewayError('rpc.invalid', 'initialize needs an id')
    const { clientId } = proof.identity
    const hello = readHello(message)
    spaceWait.announce(clientId)
    const visible = view(clientId, spaceOf(clientId))
    const session = await sessions.open(proof.identity, hello, () => authenticator.confirm(proof))
    session.told = visible
    const gateway = { version: deps.version, instructions: deps.instructions(visible), view: visible }
    return openingReply(helloMessage(message, hello, gateway), session.facts.id)
  }

  function setLevel(session: Session, message: Envelope): Response {
    sessions.setLogLevel(session, readLevel(message))
    return jsonReply(emptyResult(message))
  }

  /** Notifications and answers: taken, never answered. What is unknown, or about nothing in flight, is dropped. */
  function take(session: Session, message: Envelope): Response {
    if (message.kind === 'response') session.asks.answer(idToken(message), message.bytes)
    else if (message.method === 'notifications/progress') session.asks.progress(message)
    else if (message.method === 'notifications/cancelled') {
      const token = cancelledToken(message)
      session.calls.newest((call) => call.token === token)?.cancel(new GatewayError('rpc.cancelled'))
    }
    return emptyReply(202)
  }
}
