import { Elysia } from 'elysia'
import type { Authenticator } from '../auth/authenticate'
import type { ReadSetting } from '../domain/settings'
import { type ErrorCode, GatewayError, toGatewayError } from '../errors'
import type { Identity } from '../domain/client'
import type { CallbackDoor } from '../oauth/callback'
import type { FeatureView } from '../policy/feature-view'
import type { RequestStates } from '../router/request-state'
import type { Router } from '../router/router'
import type { Runtime } from '../runtime'
import type { Listeners } from '../session/listeners'
import type { Pulse } from '../session/pulse'
import type { SpaceQuestions } from '../session/space-questions'
import type { Sessions } from '../session/sessions'
import type { SignInDoor } from '../signin/door'
import { createCalls } from './calls'
import type { Line } from './line'
import type { Route } from './route'
import { createEndpoint } from './endpoint'
import { createGuard } from './guard'
import type { Handler, LoopbackServer } from './listener'
import { createModern } from './modern'
import { createSpaceWait } from './space-wait'
import { createOutlets } from './outlet'
import { jsonReply, problemReply } from './replies'

export interface DoorDeps {
  authenticator: Authenticator
  sessions: Sessions
  pulse: Pulse
  listeners: Listeners
  route: Route
  bindingOf: Router['bindingOf']
  states: RequestStates
  /** Lets go of what a stream without a session holds at servers. */
  release: (conversation: string) => void
  view: (clientId: string, spaceId: string) => FeatureView
  /** The Space a client works in now: the one it is pinned to, else the active one. */
  spaceOf: (clientId: string) => string
  questions: Pick<SpaceQuestions, 'put' | 'settled'>
  /** Merged instructions of the servers in a view. */
  instructions: (view: FeatureView) => string | null
  /** The sign-in of clients without a key, on one port. */
  signIn: (port: number) => SignInDoor
  /** Where browsers come back to from sign-ins at servers, for the hosts of one listening socket. */
  callbacks: (hosts: readonly string[]) => CallbackDoor
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'randomBytes' | 'sleep'>
  version: string
  /** Takes what went wrong inside; nothing of it is sent. */
  report: (error: unknown) => void
  /** Told of requests that a page or a name which is not ours brought here, before anything was read. */
  turnedAway?: (why: ErrorCode, from: string) => void
}

/** Where the door itself answers; the sign-in has paths of its own. */
export const doorPaths = ['/mcp', '/health'] as const

/** What AI clients see: `/mcp`, `/health`, on `localhost` the sign-in, the callback of ours at servers, and nothing else. */
export interface Door {
  /** The request handler of one listening socket. */
  handler(server: LoopbackServer): Handler
  inFlight(): number
  /** Fails what is in flight with this reason: all of it, or what a client began with one credential or any. */
  cancel(reason: GatewayError, of?: { clientId: string; credentialId: string | null }): void
  /** Ends the streams of changes that were opened with a credential, or with any of a client's. */
  endStreams(of: { clientId: string; credentialId: string | null }): void
  /** Ends all streams. */
  close(): void
}

export function createDoor(deps: DoorDeps): Door {
  const outlets = createOutlets(deps.pulse)
  const calls = createCalls({ ...deps, outlets })
  const spaceWait = createSpaceWait(deps)
  const modern = createModern({ ...deps, outlets, calls, spaceWait })
  const endpoint = createEndpoint({
    ...deps,
    outlets,
    calls,
    modern,
    spaceWait,
    maxBody: () => deps.settings('limits.body_bytes'),
  })

  const lineOf = (server: LoopbackServer, signIn: SignInDoor, request: Request): Line => ({
    remote: () => server.requestIP(request)?.address ?? '',
    keepOpen: () => server.timeout(request, 0),
    signIn: () => signIn.metadataFor(addressOf(request.url)),
  })

  const render = (thrown: unknown): Response => {
    const error = toGatewayError(thrown)
    if (error.code === 'internal') deps.report(thrown)
    return problemReply(error)
  }

  const endStreams = (of: { clientId: string; credentialId: string | null }): void => {
    for (const listener of [...deps.listeners.values()]) if (isOf(listener.facts, of)) listener.end(true)
  }

  return {
    handler(server) {
      const guard = createGuard(server.port)
      const signIn = deps.signIn(server.port)
      const callback = deps.callbacks(guard.hosts)
      // Whole addresses are compared before anything is routed: what is not exactly one of these is not here.
      const addresses = new Set(
        guard.hosts.flatMap((host) => doorPaths.map((path) => `http://${host}${path}`)),
      )
      const app = new Elysia({ strictPath: true })
        // The addresses exist, so what finds no route has the wrong method.
        .onError(({ code, error }) =>
          render(code === 'NOT_FOUND' ? new GatewayError('http.method_not_allowed') : error),
        )
        .get('/health', () => jsonReply('{"status":"ok"}'))
        .all('/mcp', ({ request }) => endpoint(request, lineOf(server, signIn, request)), { parse: 'none' })

      return (request) => {
        const refused = guard.check(request)
        if (refused) {
          const { code } = refused
          if (code === 'http.bad_host' || code === 'http.bad_origin')
            deps.turnedAway?.(code, request.headers.get(code === 'http.bad_host' ? 'host' : 'origin') ?? '')
          return problemReply(refused)
        }
        const address = addressOf(request.url)
        if (!addresses.has(address))
          return (
            signIn.at(address)?.(request) ??
            callback.at(address)?.(request) ??
            problemReply(new GatewayError('http.not_found'))
          )
        if (request.method === 'OPTIONS') return problemReply(new GatewayError('http.method_not_allowed'))
        return app.fetch(request)
      }
    },
    inFlight: calls.inFlight,
    endStreams,
    cancel(reason, of) {
      for (const call of calls.host.modern.toArray()) if (!of || isOf(call.identity, of)) call.cancel(reason)
      if (of) return endStreams(of)
      for (const session of deps.sessions.list())
        for (const call of session.calls.toArray()) call.cancel(reason)
    },
    close() {
      modern.close()
      calls.close()
      outlets.close()
    },
  }
}

/** A URL without its query. */
function addressOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

const isOf = (identity: Identity, of: { clientId: string; credentialId: string | null }): boolean =>
  identity.clientId === of.clientId && (of.credentialId === null || identity.credentialId === of.credentialId)
