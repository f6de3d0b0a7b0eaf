import { Elysia } from 'elysia'
import type { Authenticator } from '../auth/authenticate'
import type { ReadSetting } from '../domain/settings'
import { GatewayError, toGatewayError } from '../errors'
import type { FeatureView } from '../policy/feature-view'
import type { Pulse } from '../session/pulse'
import type { Sessions } from '../session/sessions'
import { createCalls } from './calls'
import type { Line, Route } from './dispatch'
import { createEndpoint } from './endpoint'
import { createGuard } from './guard'
import type { Handler, LoopbackServer } from './listener'
import { createOutlets } from './outlet'
import { jsonReply, problemReply } from './replies'

export interface DoorDeps {
  authenticator: Authenticator
  sessions: Sessions
  pulse: Pulse
  route: Route
  view: (clientId: string, spaceId: string) => FeatureView
  /** The Space a client works in now: the one it is pinned to, else the active one. */
  spaceOf: (clientId: string) => string
  /** Merged instructions of the servers in a view. */
  instructions: (view: FeatureView) => string | null
  settings: ReadSetting
  version: string
  /** Takes what went wrong inside; nothing of it is sent. */
  report: (error: unknown) => void
}

const paths = ['/mcp', '/health'] as const

/** What AI clients see: `/mcp`, `/health`, and nothing else. */
export interface Door {
  /** The request handler of one listening socket. */
  handler(server: LoopbackServer): Handler
  inFlight(): number
  /** Ends all streams. */
  close(): void
}

export function createDoor(deps: DoorDeps): Door {
  const outlets = createOutlets(deps.pulse)
  const calls = createCalls({ ...deps, outlets })
  const endpoint = createEndpoint({
    ...deps,
    outlets,
    calls,
    maxBody: () => deps.settings('limits.body_bytes'),
  })

  const lineOf = (server: LoopbackServer, request: Request): Line => ({
    remote: () => server.requestIP(request)?.address ?? '',
    keepOpen: () => server.timeout(request, 0),
  })

  const render = (thrown: unknown): Response => {
    const error = toGatewayError(thrown)
    if (error.code === 'internal') deps.report(thrown)
    return problemReply(error)
  }

  return {
    handler(server) {
      const guard = createGuard(server.port)
      // Whole addresses are compared before anything is routed: what is not exactly one of these is not here.
      const addresses = new Set(guard.hosts.flatMap((host) => paths.map((path) => `http://${host}${path}`)))
      const app = new Elysia({ strictPath: true })
        // The addresses exist, so what finds no route has the wrong method.
        .onError(({ code, error }) =>
          render(code === 'NOT_FOUND' ? new GatewayError('http.method_not_allowed') : error),
        )
        .get('/health', () => jsonReply('{"status":"ok"}'))
        .all('/mcp', ({ request }) => endpoint(request, lineOf(server, request)), { parse: 'none' })

      return (request) => {
        const refused = guard.check(request)
        if (refused) return problemReply(refused)
        const { url } = request
        const query = url.indexOf('?')
        if (!addresses.has(query < 0 ? url : url.slice(0, query))) {
          return problemReply(new GatewayError('http.not_found'))
        }
        if (request.method === 'OPTIONS') return problemReply(new GatewayError('http.method_not_allowed'))
        return app.fetch(request)
      }
    },
    inFlight: calls.inFlight,
    close() {
      calls.close()
      outlets.close()
    },
  }
}
