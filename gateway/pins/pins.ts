import { isWithheld, type PinFinding, type PinPolicy } from '../domain/pins'
import type { Server } from '../domain/server'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { CatalogStore } from '../store/catalog'
import type { Database } from '../store/database'
import type { PinStore } from '../store/pins'
import type { ServerStore } from '../store/servers'
import { digestOf } from './compare'
import { type Difference, differences } from './difference'
import { judge, type Noticed, noticedLine, takeNotice } from './notice'

/** Changes told one by one, of those that one reading of the lists brought. */
const MOST_LINES = 50

export interface PinDeps {
  store: PinStore
  catalog: CatalogStore
  servers: ServerStore
  db: Pick<Database, 'transaction'>
  events: EventBus
  /** How many pins of vanished definitions are kept for a server. */
  keep(): number
  log(server: Server, line: string): void
  /** For the audit trail. */
  record(server: Server, noticed: Noticed): void
}

/** One definition on offer as a person judges it. */
export interface PinnedDefinition {
  kind: PinFinding['kind']
  name: string
  current: string
  /** The pin it is held against: SHA-256 (hex) over canonical JSON; null when there is none. */
  digest: string | null
  /** null when it is as accepted. */
  finding: PinFinding | null
  /** Who accepted it as it is; null when nobody was asked. */
  acceptedBy: string | null
}

export interface Pins {
  /** The catalog for whoever reads lists from servers: what is written is held against the pins at once. */
  catalog: CatalogStore
  /** What a server offers otherwise than accepted. The same array until it changes. */
  findings(serverId: string): readonly PinFinding[]
  definitions(serverId: string): PinnedDefinition[]
  /** What a person has to see to judge one. */
  differences(of: Pick<PinFinding, 'kind' | 'accepted' | 'current'>): Difference[]
  policy(spaceId: string): PinPolicy
  /** Throws `space.unknown`. */
  setPolicy(spaceId: string, policy: PinPolicy): void
  withheld(server: Server): PinFinding[]
  /** Names all definitions on offer as they are now: who accepts says what was looked at. */
  stamp(serverId: string): string
  /**
   * Accepts what differs, or (`all`) everything as it is. Gives how many definitions that were. Throws
   * `pins.mismatch` when what is offered is not what was looked at.
   */
  accept(server: Server, given: { stamp: string; all: boolean; by: string }): number
}

/** Definitions that were accepted or seen first, and what comes of it when a server offers others. */
export function createPins(deps: PinDeps): Pins {
  const { store, catalog, servers, db, events } = deps
  const known = new Map<string, readonly PinFinding[]>()

  events.on('server.changed', ({ serverId }) => {
    if (!servers.list().some(({ id }) => id === serverId)) known.delete(serverId)
  })

  function hold(serverId: string): void {
    known.delete(serverId)
    const server = servers.get(serverId)
    const noticed = takeNotice(store, serverId, store.policy(server.spaceId))
    store.trim(serverId, deps.keep())
    for (const one of noticed.slice(0, MOST_LINES)) {
      deps.log(server, noticedLine(one))
      deps.record(server, one)
    }
    const more = noticed.length - MOST_LINES
    if (more > 0) deps.log(server, `and ${more} more definitions are not what they were`)
  }

  // What an earlier version of the gateway stored is what was seen first.
  const without = new Set(store.serversWithout())
  for (const { id } of servers.list()) if (without.has(id)) db.transaction(() => hold(id))

  const pins: Pins = {
    catalog: {
      get: catalog.get,
      setHandshake: (serverId, handshake) =>
        db.transaction(() => {
          catalog.setHandshake(serverId, handshake)
          hold(serverId)
          if (store.knows(serverId)) return
          const none = { kind: 'instructions', name: '', accepted: '', acceptedBy: null } as const
          store.put(serverId, { ...none, digest: digestOf('instructions', '') })
        }),
      replace: (serverId, kind, features) =>
        db.transaction(() => {
          const changed = catalog.replace(serverId, kind, features)
          if (changed && kind !== 'resource') hold(serverId)
          return changed
        }),
    },
    findings(serverId) {
      const before = known.get(serverId)
      if (before) return before
      const found = store
        .differing(serverId)
        .map(judge)
        .filter((one) => one !== null)
      known.set(serverId, found)
      return found
    },
    definitions: (serverId) =>
      store.offered(serverId).map((offered) => {
        const { kind, name, current, pin } = offered
        const finding = judge(offered)
        const acceptedBy = finding ? null : (pin?.acceptedBy ?? null)
        return { kind, name, current, digest: pin?.digest ?? null, finding, acceptedBy }
      }),
    differences,
    policy: store.policy,
    setPolicy(spaceId, policy) {
      store.setPolicy(spaceId, policy)
      events.emit('policy.changed', { spaceId, clientId: null })
    },
    withheld({ id, spaceId }) {
      const policy = store.policy(spaceId)
      return pins.findings(id).filter((finding) => isWithheld(policy, finding))
    },
    stamp: (serverId) => {
      const hash = new Bun.CryptoHasher('sha256')
      for (const { kind, name, current } of store.offered(serverId))
        hash.update(JSON.stringify([kind, name, current]))
      return hash.digest('hex')
    },
    accept(server, { stamp, all, by }) {
      const accepted = db.transaction(() => {
        if (stamp !== pins.stamp(server.id)) throw new GatewayError('pins.mismatch')
        const meant = all ? store.offered(server.id) : pins.findings(server.id)
        for (const { kind, name, current } of meant)
          store.put(server.id, {
            kind,
            name,
            accepted: current,
            digest: digestOf(kind, current),
            acceptedBy: by,
          })
        known.delete(server.id)
        return meant.length
      })
      events.emit('catalog.changed', {
        spaceId: server.spaceId,
        serverId: server.id,
        kinds: ['tools', 'prompts', 'resources'],
      })
      return accepted
    },
  }
  return pins
}
