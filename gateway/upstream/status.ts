import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import type { Failures } from './failures'
import type { UpstreamDeps } from './upstream-deps'

/** The state of one server, and who is told of it. */
export interface Status {
  readonly state: UpstreamState
  /** What keeps it from starting now; null when nothing does. */
  blocked(): UpstreamState | null
  /** What keeps it from being started by itself; a person, or a call, may. */
  held(): UpstreamState | null
  enter(state: UpstreamState): void
  /** Not running any more, or not yet. */
  rest(): void
}

export function createStatus(
  server: () => Server,
  failures: Pick<Failures, 'state'>,
  { shared, events, blockedBy, signIns }: Pick<UpstreamDeps, 'shared' | 'events' | 'blockedBy' | 'signIns'>,
): Status {
  const blocked = () => (server().enabled ? blockedBy(server()) : ({ status: 'disabled' } as const))
  const signIn = (): UpstreamState | null => {
    const need = signIns.needOf(server())
    return need && { status: 'needs_authorization', need }
  }
  const held = () => blocked() ?? signIn()
  const atRest = (): UpstreamState => blocked() ?? failures.state() ?? signIn() ?? { status: 'idle' }
  let state = atRest()

  function enter(next: UpstreamState): void {
    if (JSON.stringify(next) === JSON.stringify(state)) return
    state = next
    if (shared) events.emit('upstream.state', { spaceId: server().spaceId, serverId: server().id, state })
  }

  return {
    get state() {
      return state
    },
    blocked,
    held,
    enter,
    rest: () => enter(atRest()),
  }
}
