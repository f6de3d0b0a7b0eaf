import { nowhere } from '../domain/space'
import type { EventBus } from '../events'
import type { ClientStore } from '../store/clients'
import type { SpaceStore } from '../store/spaces'
import type { SpaceQuestions } from './space-questions'

/**
 * The Space each client works in now: the one it is pinned to, for one that is asked the one it was given (or `nowhere`),
 * else the active one. Asked on every request, so the answers are remembered until something they follow from changes.
 * Throws `client.unknown`.
 */
export function createClientSpace(deps: {
  clients: Pick<ClientStore, 'get'>
  spaces: Pick<SpaceStore, 'active'>
  questions: Pick<SpaceQuestions, 'chosen'>
  events: EventBus
}): (clientId: string) => string {
  /** Null for those that are asked. */
  const known = new Map<string, string | null>()
  const changes = ['policy.changed', 'space.changed', 'client.changed', 'client.revoked'] as const
  for (const change of changes) deps.events.on(change, () => known.clear())
  return (clientId) => {
    let spaceId = known.get(clientId)
    if (spaceId === undefined) {
      const client = deps.clients.get(clientId)
      spaceId = client.asks ? null : (client.spaceId ?? deps.spaces.active().id)
      known.set(clientId, spaceId)
    }
    return spaceId ?? deps.questions.chosen(clientId) ?? nowhere
  }
}
