import type { AuditEntry } from '../domain/audit'
import { byGateway } from '../domain/audit'
import type { FlowPhase } from '../domain/authorization'
import type { EventBus } from '../events'
import type { StoredFlow } from '../store/oauth-flows'

const over: readonly FlowPhase[] = ['done', 'failed', 'cancelled', 'expired']

/**
 * Records how sign-ins at servers end. Who comes back with an answer is a browser nobody knows, so it is the gateway that
 * did it. Gives what stops it.
 */
export function recordFlows(deps: {
  events: Pick<EventBus, 'on'>
  flow: (id: string) => Pick<StoredFlow, 'issuer' | 'scope' | 'error'> | null
  serverName: (id: string) => string | undefined
  record: (entry: AuditEntry) => void
}): () => void {
  return deps.events.on('flow.changed', ({ flowId, serverId, spaceId, phase }) => {
    if (!over.includes(phase)) return
    const flow = deps.flow(flowId)
    if (!flow) return
    const { issuer, scope, error } = flow
    const subject = deps.serverName(serverId)
    deps.record({
      action: phase === 'done' ? 'login.done' : 'login.failed',
      actor: byGateway,
      ...{ spaceId, serverId },
      ...(subject === undefined ? {} : { subject }),
      detail: phase === 'done' ? { issuer, scope: scope ?? '' } : { issuer, why: error ?? phase },
    })
  })
}
