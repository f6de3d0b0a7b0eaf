// The way of one message of the modern era, MCP 2026-07-28: no session, no handshake, everything in the request.
import type { Proof } from '../auth/authenticate'
import type { ReadSetting } from '../domain/settings'
import { GatewayError } from '../errors'
import { abilitiesOf } from '../policy/abilities'
import type { FeatureView } from '../policy/feature-view'
import type { RequestStates } from '../router/request-state'
import type { Router } from '../router/router'
import type { Runtime } from '../runtime'
import type { Listener, Listeners } from '../session/listeners'
import type { Pulse } from '../session/pulse'
import type { Sessions } from '../session/sessions'
import type { Envelope, Span } from '../wire/envelope'
import { member } from '../wire/members'
import { resultMessage } from '../wire/messages'
import { encodeUtf8, textOf } from '../wire/text'
import type { Calls } from './calls'
import type { Line } from './line'
import type { Route } from './route'
import { capabilities, gatewayInfo, idOf } from './methods'
import { ModernCall, type Round } from './modern-call'
import { readModern, spokenVersions } from './modern-envelope'
import { ModernLeg } from './modern-leg'
import { openListener } from './modern-listen'
import type { Outlets } from './outlet'
import { createDepartures } from './departures'
import { createParamHeaders } from './param-headers'
import { emptyReply, jsonReply } from './replies'
import type { SpaceWait } from './space-wait'
import { createRounds } from './rounds'

export interface ModernDeps {
  outlets: Outlets
  pulse: Pulse
  sessions: Pick<Sessions, 'loadOf'>
  calls: Calls
  listeners: Listeners
  route: Route
  bindingOf: Router['bindingOf']
  states: RequestStates
  release(conversation: string): void
  view: (clientId: string, spaceId: string) => FeatureView
  spaceOf: (clientId: string) => string
  spaceWait: SpaceWait
  instructions: (view: FeatureView) => string | null
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'randomBytes' | 'sleep'>
  version: string
}

/** One message that was read and whose sender is known. */
export interface ModernMessage {
  request: Request
  line: Line
  message: Envelope
  proof: Proof
  /** Throws when the key of `proof` counts no more. */
  confirm(): void
}

export interface Modern {
  /** Answers, or throws what the message is refused with. */
  take(given: ModernMessage): Promise<Response>
  close(): void
}

/** Requests of a server that come within this time are one question to its client. */
const ASK_MS = 10

const routed = new Set([
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
])

export function createModern(deps: ModernDeps): Modern {
  const { calls, listeners, pulse } = deps
  const checkParams = createParamHeaders()
  const departures = createDepartures(deps.runtime)
  const rounds = createRounds({ ...deps, patience: () => deps.settings('timeouts.answer') })

  const stopBeating = pulse.onBeat(() => {
    const now = deps.runtime.now()
    for (const listener of [...listeners.values()])
      if (listener.until !== null && listener.until <= now) listener.end(false)
  })

  function discover(message: Envelope, view: FeatureView): Response {
    const instructions = deps.instructions(view)
    const { extensions } = abilitiesOf(view)
    const result = {
      resultType: 'complete',
      supportedVersions: spokenVersions,
      capabilities: { ...capabilities, ...(extensions ? { extensions } : {}) },
      ...(instructions ? { instructions } : {}),
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': gatewayInfo(deps.version) },
    }
    return jsonReply(resultMessage(idOf(message), encodeUtf8(JSON.stringify(result))))
  }

  function listen({ request, line, message, proof }: ModernMessage, view: FeatureView): Promise<Response> {
    let listener: Listener | null = null
    const leg = new ModernLeg(deps.outlets, departures, request, line.keepOpen, () => listener?.end(false))
    listener = openListener(
      {
        ...deps,
        most: () => deps.settings('limits.sessions_per_client'),
        newLabel: () => `listen:${Buffer.from(deps.runtime.randomBytes(12)).toString('hex')}`,
        sleep: deps.runtime.sleep,
      },
      { message, view, proof, leg },
    )
    return leg.response
  }

  /** The call a second round belongs to; null when the state is the server's own. */
  async function parked(
    { message, proof, confirm }: ModernMessage,
    view: FeatureView,
    span: Span,
  ): Promise<ModernCall | null> {
    const { clientId } = proof.identity
    const state = await deps.states.open(
      textOf(message.bytes, span) ?? '',
      deps.bindingOf(view, message, clientId),
    )
    // The key may have been revoked while the state was opened.
    confirm()
    if (state.kind === 'server') return null
    const call = rounds.take(state.id, clientId)
    if (!call) throw new GatewayError('rpc.state_invalid', 'the call it belongs to is over')
    return call
  }

  const viewOf = ({ identity }: Proof): FeatureView =>
    deps.view(identity.clientId, deps.spaceOf(identity.clientId))

  function begin(given: ModernMessage, visible: FeatureView, round: Round): ModernCall {
    const { request, message, proof } = given
    const { identity } = proof
    let view = visible
    const wait = deps.spaceWait.of(identity.clientId, message.method)
    calls.admit(deps.sessions.loadOf(identity.clientId))
    const call = new ModernCall(
      {
        host: calls.host,
        load: deps.sessions.loadOf(identity.clientId),
        identity,
        park: (self) => rounds.park(self, deps.bindingOf(view, message, identity.clientId)),
        settle: () => deps.runtime.sleep(ASK_MS),
        left: rounds.drop,
      },
      round,
    )
    if (!wait) {
      call.follow(begun(() => deps.route(view, message, call)))
      return call
    }
    // Its client is told its Space only now.
    const placed = call.hold(wait(call.signal)).then(() => {
      given.confirm()
      view = viewOf(proof)
      checkParams(request.headers, message, round.envelope.name, view)
      return deps.route(view, message, call)
    })
    call.follow(placed)
    return call
  }

  return {
    async take(given) {
      const { request, line, message, proof } = given
      const envelope = message.kind === 'request' ? readModern(request.headers, message) : null
      // There is no notification a client could send over HTTP: it cancels by closing the stream.
      if (!envelope) return emptyReply(202)
      const view = viewOf(proof)
      if (message.method === 'server/discover') {
        deps.spaceWait.announce(proof.identity.clientId)
        return discover(message, view)
      }
      if (message.method === 'subscriptions/listen') return listen(given, view)
      if (!routed.has(message.method ?? '')) throw new GatewayError('rpc.method_unknown')
      checkParams(request.headers, message, envelope.name, view)
      const state = message.params && member(message.bytes, message.params, 'requestState')
      const waiting = state ? await parked(given, view, state) : null
      let call: ModernCall | null = waiting
      const leg = new ModernLeg(deps.outlets, departures, request, line.keepOpen, () =>
        call?.cancel(new GatewayError('rpc.cancelled')),
      )
      const round = { message, envelope, leg, born: pulse.beat }
      if (waiting) waiting.resume(round)
      else call = begin(given, view, round)
      return leg.response
    },
    close() {
      stopBeating()
      departures.close()
      rounds.close()
      for (const listener of [...listeners.values()]) listener.end(true)
    },
  }
}

/** A router that throws instead of rejecting must not leave its call behind. */
function begun(work: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return work()
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}
