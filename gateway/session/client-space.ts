import type { EventBus } from '../events'
import type { ClientStore } from '../store/clients'
import type { SpaceStore } from '../store/spaces'

/**
 * The Space each client works in now: the one it is pinned to, else the active one. Asked on every request, so the
 * answers are remembered until something they follow from changes. Throws `client.unknown`.
 */
export function createClientSpace(deps: {
  clients: Pick<ClientStore, 'get'>
  spaces: Pick<SpaceStore, 'active'>
  events: EventBus
}): (clientId: string) => string {
  const known = new Map<string, string>()
  const changes = ['policy.changed', 'space.changed', 'client.changed', 'client.revoked'] as const
  for (const change of changes) deps.events.on(change, () => known.clear())
  return (clientId) => {
    const remembered = known.get(clientId)
    if (remembered !== undefined) return remembered
    const spaceId = deps.clients.get(clientId).spaceId ?? deps.spaces.active().id
    known.set(clientId, spaceId)
    return spaceId
  }
}
