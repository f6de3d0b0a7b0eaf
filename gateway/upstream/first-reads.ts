// A server is connected once when it is added, so that its tools are known. Where a value or the vault was away then, it
// is connected when that is there.
import { referredNames } from '../domain/references'
import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import type { EventBus } from '../events'
import type { CatalogStore } from '../store/catalog'
import type { Upstream } from './upstream'

type Live = Pick<Upstream, 'server' | 'state' | 'startSoon'>

/** Servers that were never read, and wait for what comes without a person connecting them. */
export interface FirstReads extends Disposable {
  /** Notes what a new one waits for. */
  adopt(upstream: Live): void
  /** Connects those that were never read and may have waited for this run, for a variable. */
  begin(): void
  /** A person stopped it: it is not connected by itself any more. */
  forget(serverId: string): void
}

/** What comes with a start of the gateway and in no other way. */
const takesVariables = ({ definition }: Pick<Server, 'definition'>): boolean =>
  referredNames(definition).env.length > 0

const waits = ({ status }: UpstreamState): boolean => status === 'locked' || status === 'needs_input'

/** Each is tried once; what comes of that ends it. The start gate bounds how many at the same time. */
export function createFirstReads(deps: {
  events: Pick<EventBus, 'on'>
  catalog: Pick<CatalogStore, 'get'>
  upstreams: ReadonlyMap<string, Live>
}): FirstReads {
  const { events, catalog, upstreams } = deps
  const waiting = new Set<string>()
  const unread = (serverId: string) => catalog.get(serverId).handshake === null

  const unsubscribe = events.on('upstream.state', ({ serverId, state }) => {
    if (waits(state)) waiting.add(serverId)
    else if (state.status === 'ready' || state.status === 'failed') waiting.delete(serverId)
    else if (state.status !== 'idle' || !waiting.has(serverId)) return
    else if (unread(serverId)) upstreams.get(serverId)?.startSoon()
    else waiting.delete(serverId)
  })

  return {
    adopt({ server, state }) {
      if (waits(state)) waiting.add(server.id)
    },
    begin() {
      for (const upstream of upstreams.values()) {
        const { server, state } = upstream
        if (state.status === 'idle' && takesVariables(server) && unread(server.id)) upstream.startSoon()
      }
    },
    forget: (serverId) => void waiting.delete(serverId),
    [Symbol.dispose]: unsubscribe,
  }
}
