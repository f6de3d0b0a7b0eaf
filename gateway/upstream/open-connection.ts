import type { EraVerdict } from '../domain/era'
import type { Server } from '../domain/server'
import type { GatewayError } from '../errors'
import type { ChannelEvents } from '../transport/channel'
import type { CatalogRefresh } from './catalog-refresh'
import type { Connection } from './connection'
import type { InboundEvents } from './inbound'
import { openByEra } from './open-by-era'
import type { ResourceListeners } from './resource-listeners'
import type { Slots } from './slots'
import type { UpstreamDeps } from './upstream-deps'

/** What a connection tells the upstream it is opened for. */
export interface ConnectionOwner {
  slots: Slots
  resources: ResourceListeners
  refresh(): CatalogRefresh | null
  /** Conversations that used the server lately. */
  active(): readonly string[]
  /** The leg is gone by itself, or was closed (null). */
  onClose(error: GatewayError | null): void
  leaving(work: Promise<unknown>): void
}

/** Opens a connection of the era the server speaks, and has what comes on it lead to whom it is for. */
export function openConnection(
  server: Server,
  life: AbortSignal,
  deps: UpstreamDeps,
  owner: ConnectionOwner,
): Promise<Connection> {
  const { runtime, settings, eras, catalog, downstream } = deps
  const { slots } = owner
  const log: ChannelEvents['onLog'] = (source, line) => deps.log(server, source, line)
  const memory = {
    get: () => eras.get(server.id),
    set: (verdict: EraVerdict) => eras.set(server.id, verdict),
    forget: () => eras.forget(server.id),
  }

  /** A message outside any call goes to the one conversation that uses this server, else to nobody. */
  function unsolicited(...[message, level, mayBeFor]: Parameters<InboundEvents['unsolicited']>): void {
    const [only, ...others] = owner.active()
    if (only === undefined || others.length > 0 || !mayBeFor(only)) return
    if (level) downstream.log(server.id, only, message)
    else downstream.forward(server.id, only, message)
  }

  return openByEra(server, memory, {
    open: (events) => deps.open(server, events),
    settings,
    runtime,
    signal: life,
    onClose: owner.onClose,
    leaving: owner.leaving,
    tools: () => catalog.get(server.id).features.filter(({ kind }) => kind === 'tool'),
    log,
    redact: deps.redact,
    shared: deps.shared,
    onPlace: (by) => (by < 0 ? slots.release() : slots.retake()),
    inbound: {
      listChanged: (kinds) => owner.refresh()?.soon(kinds),
      resourceUpdated: owner.resources.heard,
      taskChanged: (message) => downstream.taskChanged(server.id, message),
      toConversation: (conversation, message) => downstream.forward(server.id, conversation, message),
      unsolicited,
    },
  })
}
