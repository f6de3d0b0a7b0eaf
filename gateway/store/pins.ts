import type { PinnedKind, PinPolicy } from '../domain/pins'
import { pinPolicies } from '../domain/pins'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** A definition a server offers now, beside its pin. */
export interface OfferedDefinition {
  kind: PinnedKind
  /** '' for instructions. */
  name: string
  current: string
  /** null when nothing is pinned under this name. */
  pin: Pin | null
}

export interface Pin {
  /** Accepted text; null when the name is known and nothing of it was accepted. */
  accepted: string | null
  /** SHA-256 (hex) over its canonical JSON; null with it. */
  digest: string | null
  /** Who accepted it, in the words of the door; null when it was only seen first. */
  acceptedBy: string | null
  /** Epoch milliseconds of that. */
  at: number
  /** What was last noticed to differ, and since when; null while nothing does. */
  change: { digest: string; since: number } | null
}

export interface NewPin {
  kind: PinnedKind
  name: string
  accepted: string | null
  digest: string | null
  acceptedBy: string | null
}

/** Pins of definitions, and what each Space does when one does not hold. */
export interface PinStore {
  /** Definitions on offer that are not byte for byte what is pinned, or are not pinned. */
  differing(serverId: string): OfferedDefinition[]
  /** Every definition on offer. Instructions only when the server has some. */
  offered(serverId: string): OfferedDefinition[]
  /** Whether the lists of the server were read to the end once. */
  knows(serverId: string): boolean
  /** Servers with something on offer that has no pin. */
  serversWithout(): string[]
  /** Writes a pin and forgets what was noticed. Throws `server.unknown`. */
  put(serverId: string, pin: NewPin): void
  /** Notes that what is offered differs, or (null) does not any more. What was noticed first keeps its time. */
  notice(serverId: string, kind: PinnedKind, name: string, digest: string | null): void
  /** Pins whose change is over, because the server offers what is pinned. */
  settled(serverId: string): { kind: PinnedKind; name: string }[]
  /** Of pins whose definition is not offered any more, the newest `keep` stay. */
  trim(serverId: string, keep: number): void
  /** Throws `space.unknown`. */
  setPolicy(spaceId: string, policy: PinPolicy): void
  /** *guard* unless another one was chosen. */
  policy(spaceId: string): PinPolicy
}

interface Row {
  kind: PinnedKind
  name: string
  current: string
  pinned: number
  accepted: string | null
  digest: string | null
  accepted_by: string | null
  pinned_at: number
  changed_at: number | null
  change_digest: string | null
}

export function createPinStore(db: Database, { now }: Pick<Runtime, 'now'>): PinStore {
  const columns = `pins.server_id IS NOT NULL AS pinned, pins.descriptor AS accepted, digest, accepted_by, pinned_at,
    changed_at, change_digest`
  const features = `features LEFT JOIN pins ON pins.server_id = features.server_id
    AND pins.kind = features.kind AND pins.name = features.name`
  const handshakes = `handshakes LEFT JOIN pins ON pins.server_id = handshakes.server_id
    AND pins.kind = 'instructions' AND pins.name = ''`
  // A server that has no instructions is pinned with none: those that come later are a change.
  const said = "instructions IS NOT NULL AND instructions <> ''"
  const offered = (where: { feature: string; instructions: string }) => `
    SELECT instr('tool prompt template', features.kind) AS place, features.position AS position, features.kind,
      features.name, features.descriptor AS current, ${columns} FROM ${features}
    WHERE features.server_id = $serverId AND features.kind IN ('tool', 'prompt', 'template') AND ${where.feature}
    UNION ALL
    SELECT 100, 0, 'instructions', '', instructions, ${columns} FROM ${handshakes}
    WHERE handshakes.server_id = $serverId AND ${where.instructions}
    ORDER BY place, position`
  const all = db.statement<Row>(offered({ feature: 'TRUE', instructions: said }))
  const differing = db.statement<Row>(
    offered({
      feature: 'pins.descriptor IS NOT features.descriptor',
      instructions: `${said} AND pins.descriptor IS NOT instructions`,
    }),
  )
  const settled = db.statement<{ kind: PinnedKind; name: string }>(`
    SELECT kind, name FROM pins WHERE server_id = $serverId AND changed_at IS NOT NULL AND (
      EXISTS (SELECT 1 FROM features WHERE features.server_id = pins.server_id AND features.kind = pins.kind
        AND features.name = pins.name AND features.descriptor = pins.descriptor)
      OR kind = 'instructions' AND EXISTS (SELECT 1 FROM handshakes WHERE handshakes.server_id = pins.server_id
        AND instructions = pins.descriptor))`)
  const known = db.statement(
    "SELECT 1 FROM pins WHERE server_id = $serverId AND kind = 'instructions' AND name = ''",
  )
  const without = db.statement<{ server_id: string }>(`
    SELECT DISTINCT features.server_id FROM ${features}
    WHERE features.kind IN ('tool', 'prompt', 'template') AND pins.server_id IS NULL
    UNION SELECT handshakes.server_id FROM ${handshakes} WHERE pins.server_id IS NULL`)
  const spaceOf = db.statement<{ space_id: string }>('SELECT space_id FROM servers WHERE id = $serverId')
  const put = db.statement(`
    INSERT OR REPLACE INTO pins (server_id, space_id, kind, name, descriptor, digest, accepted_by, pinned_at)
    VALUES ($serverId, $spaceId, $kind, $name, $accepted, $digest, $acceptedBy, $at)`)
  const notice = db.statement(`
    UPDATE pins SET change_digest = $digest,
      changed_at = CASE WHEN $digest IS NULL THEN NULL ELSE coalesce(changed_at, $at) END
    WHERE server_id = $serverId AND kind = $kind AND name = $name`)
  const trim = db.statement(`
    DELETE FROM pins WHERE server_id = $serverId AND kind <> 'instructions' AND (kind, name) IN (
      SELECT gone.kind, gone.name FROM pins AS gone WHERE gone.server_id = $serverId AND gone.kind <> 'instructions'
        AND NOT EXISTS (SELECT 1 FROM features WHERE features.server_id = $serverId
          AND features.kind = gone.kind AND features.name = gone.name)
      ORDER BY gone.accepted_by IS NOT NULL DESC, gone.pinned_at DESC LIMIT -1 OFFSET $keep)`)
  const space = db.statement('SELECT 1 FROM spaces WHERE id = $spaceId')
  const policyOf = db.statement<{ policy: string }>(
    'SELECT policy FROM pin_policies WHERE space_id = $spaceId',
  )
  const putPolicy = db.statement(
    'INSERT OR REPLACE INTO pin_policies (space_id, policy) VALUES ($spaceId, $policy)',
  )

  const toOffered = (row: Row): OfferedDefinition => ({
    kind: row.kind,
    name: row.name,
    current: row.current,
    pin:
      row.pinned === 0
        ? null
        : {
            accepted: row.accepted,
            digest: row.digest,
            acceptedBy: row.accepted_by,
            at: row.pinned_at,
            change:
              row.change_digest === null || row.changed_at === null
                ? null
                : { digest: row.change_digest, since: row.changed_at },
          },
  })

  return {
    differing: (serverId) => differing.all({ serverId }).map(toOffered),
    offered: (serverId) => all.all({ serverId }).map(toOffered),
    knows: (serverId) => known.get({ serverId }) !== null,
    serversWithout: () => without.all().map(({ server_id }) => server_id),
    put(serverId, { kind, name, accepted, digest, acceptedBy }) {
      const row = spaceOf.get({ serverId })
      if (!row) throw new GatewayError('server.unknown')
      put.run({ serverId, spaceId: row.space_id, kind, name, accepted, digest, acceptedBy, at: now() })
    },
    notice: (serverId, kind, name, digest) => {
      notice.run({ serverId, kind, name, digest, at: now() })
    },
    settled: (serverId) => settled.all({ serverId }),
    trim: (serverId, keep) => {
      trim.run({ serverId, keep })
    },
    setPolicy(spaceId, policy) {
      if (!space.get({ spaceId })) throw new GatewayError('space.unknown')
      putPolicy.run({ spaceId, policy })
    },
    policy: (spaceId) =>
      pinPolicies.find((policy) => policy === policyOf.get({ spaceId })?.policy) ?? 'guard',
  }
}
