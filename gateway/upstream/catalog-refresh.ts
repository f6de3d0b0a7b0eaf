import type { ReadSetting } from '../domain/settings'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import type { CatalogStore } from '../store/catalog'
import type { ChannelEvents } from '../transport/channel'
import type { Connection } from './connection'
import { discover } from './discovery'

type Kinds = 'tools' | 'prompts' | 'resources'
const capabilityOf = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resources',
} as const
/** Servers announce changes in bursts; one read answers them all. One that never stops is read ever more rarely. */
const SETTLE_MS = 50
const LONGEST_SETTLE_MS = 10_000

export interface CatalogRefresh {
  /** Reads everything; resolves when it is stored. Joins a refresh that is under way. */
  all(): Promise<void>
  /** Reads these lists soon, in the background. */
  soon(kinds: readonly Kinds[]): void
}

/** Keeps the catalog of one connected server true, one discovery at a time. */
export function createCatalogRefresh(deps: {
  spaceId: string
  serverId: string
  connection: Connection
  catalog: CatalogStore
  events: EventBus
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'sleep'>
  log: ChannelEvents['onLog']
  signal: AbortSignal
}): CatalogRefresh {
  const { spaceId, serverId, connection, catalog, events, settings, runtime, log, signal } = deps
  const wanted = new Set<Kinds>()
  let everything: Promise<void> | null = null
  let last: Promise<void> = Promise.resolve()
  let following = false

  async function read(only?: readonly Kinds[]): Promise<void> {
    const changed = new Set<Kinds>()
    const known = catalog.get(serverId).handshake
    let told = false
    try {
      const found = discover(serverId, { connection, settings, log, signal, only })
      for await (const { kind, features } of found) {
        if (!catalog.replace(serverId, kind, features)) continue
        changed.add(capabilityOf[kind])
        connection.catalogChanged()
      }
      if (only) return
      try {
        catalog.setHandshake(serverId, { ...connection.handshake, refreshedAt: runtime.now() })
      } catch (thrown) {
        // On a full disk a server whose lists are the known ones is as good as before.
        const full = thrown instanceof GatewayError && thrown.code === 'store.unwritable'
        if (!full || !known) throw thrown
        log('Feature', `its lists were read, which could not be noted: ${thrown.message}`)
      }
      told = !known || known.instructions !== connection.handshake.instructions
    } finally {
      // What was stored before a failure is told too.
      if (changed.size > 0 || told) events.emit('catalog.changed', { spaceId, serverId, kinds: [...changed] })
    }
  }

  function queue(work: () => Promise<void>): Promise<void> {
    last = last.catch(() => undefined).then(work)
    return last
  }

  async function follow(): Promise<void> {
    for (let pause = SETTLE_MS; wanted.size > 0; pause = Math.min(pause * 4, LONGEST_SETTLE_MS)) {
      await runtime.sleep(pause, signal)
      const only = [...wanted]
      wanted.clear()
      await queue(() => read(only))
    }
  }

  return {
    all() {
      everything ??= queue(() => read()).finally(() => {
        everything = null
      })
      return everything
    },
    soon(kinds) {
      for (const kind of kinds) wanted.add(kind)
      if (following) return
      following = true
      follow()
        .catch(() => {
          if (!signal.aborted && !connection.ended)
            log('Feature', 'the changed lists could not be read, the last known entries stay')
        })
        .finally(() => {
          following = false
        })
    },
  }
}
