import type { AuditEntry } from '../domain/audit'
import { byGateway } from '../domain/audit'
import type { FlowPhase } from '../domain/authorization'
import type { Server } from '../domain/server'
import type { EventBus } from '../events'
import type { StoredFlow } from '../store/oauth-flows'

const words: Record<FlowPhase, string> = {
  waiting: 'waits for a person',
  received: 'the browser came back',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  expired: 'nobody came back in time',
}

const over: readonly FlowPhase[] = ['done', 'failed', 'cancelled', 'expired']

/**
 * Records how sign-ins at servers end, and logs how they go. Who comes back with an answer is a browser nobody knows, so it is the gateway that
 * did it. Gives what stops it.
 */
export function recordFlows(deps: {
  events: Pick<EventBus, 'on'>
  flow: (id: string) => Pick<StoredFlow, 'issuer' | 'scope' | 'error' | 'detail'> | null
  server: (id: string) => Pick<Server, 'id' | 'name'> | undefined
  record: (entry: AuditEntry) => void
  /** Writes a line of the server's log. */
  log: (server: Pick<Server, 'id' | 'name'>, line: string) => void
}): () => void {
  return deps.events.on('flow.changed', ({ flowId, serverId, spaceId, phase }) => {
    const flow = deps.flow(flowId)
    if (!flow) return
    const { issuer, scope, error, detail } = flow
    const server = deps.server(serverId)
    const subject = server?.name
    if (server) deps.log(server, `sign-in at ${issuer}: ${detail ?? words[phase]}`)
    if (!over.includes(phase)) return
    deps.record({
      action: phase === 'done' ? 'login.done' : 'login.failed',
      actor: byGateway,
      ...{ spaceId, serverId },
      ...(subject === undefined ? {} : { subject }),
      detail: phase === 'done' ? { issuer, scope: scope ?? '' } : { issuer, why: error ?? phase },
    })
  })
}
