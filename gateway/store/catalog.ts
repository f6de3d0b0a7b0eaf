import type { Feature, FeatureKind, FeaturePin, Handshake, ServerCatalog } from '../domain/feature'
import { readHints } from '../domain/hints'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

export interface CatalogStore {
  /** What is known of a server; empty for one that was never connected. */
  get(serverId: string): ServerCatalog
  /** Throws `server.unknown` when the server was removed meanwhile. */
  setHandshake(serverId: string, handshake: Handshake): void
  /**
   * Makes `features` the whole list of a kind; what is not among them is gone. Of two with one name the first counts. A
   * name that stays keeps the time it was first seen. Returns whether anything changed, order included. Throws
   * `server.unknown` when the server was removed meanwhile.
   */
  replace(serverId: string, kind: FeatureKind, features: readonly Feature[]): boolean
}

const kinds: ReadonlySet<FeatureKind> = new Set(['tool', 'prompt', 'resource', 'template'])

interface FeatureRow {
  server_id: string
  kind: FeatureKind
  name: string
  descriptor: string
  position: number
  first_seen_at: number
  /** Whether there is a pin, whether it is this very text, its text when it is another, and who accepted it. */
  pinned: number
  as_pinned: number
  pin_text: string | null
  accepted_by: string | null
}

interface HandshakeRow {
  server_id: string
  protocol_version: string
  capabilities: string
  server_info: string
  instructions: string | null
  refreshed_at: number
}

/**
 * Catalogs of all servers. A feature that did not change is the same object from read to read, so that what others
 * derive from it can be kept.
 */
export function createCatalogStore(db: Database, { now }: Pick<Runtime, 'now'>): CatalogStore {
  const columns = `features.server_id, features.kind, features.name, features.descriptor, features.position,
    first_seen_at, pins.server_id IS NOT NULL AS pinned, pins.descriptor IS features.descriptor AS as_pinned,
    CASE WHEN pins.descriptor IS features.descriptor THEN NULL ELSE pins.descriptor END AS pin_text, accepted_by`
  const joined = `features LEFT JOIN pins ON pins.server_id = features.server_id
    AND pins.kind = features.kind AND pins.name = features.name`
  const byKind = `ORDER BY features.server_id, instr('tool prompt resource template', features.kind),
    features.position`
  const featuresOf = db.statement<FeatureRow>(
    `SELECT ${columns} FROM ${joined} WHERE features.server_id = $serverId ${byKind}`,
  )
  const handshakeOf = db.statement<HandshakeRow>('SELECT * FROM handshakes WHERE server_id = $serverId')
  const server = db.statement('SELECT 1 FROM servers WHERE id = $serverId')
  const ofKind = db.statement<Pick<FeatureRow, 'name' | 'descriptor' | 'first_seen_at'>>(
    `SELECT name, descriptor, first_seen_at FROM features WHERE server_id = $serverId AND kind = $kind
     ORDER BY features.position`,
  )
  const clear = db.statement('DELETE FROM features WHERE server_id = $serverId AND kind = $kind')
  const insert = db.statement(`
    INSERT INTO features (server_id, kind, position, name, descriptor, first_seen_at)
    VALUES ($serverId, $kind, $position, $name, $descriptor, $firstSeenAt)`)
  const put = db.statement(`
    INSERT OR REPLACE INTO handshakes
      (server_id, protocol_version, capabilities, server_info, instructions, refreshed_at)
    VALUES ($serverId, $protocolVersion, $capabilities, $serverInfo, $instructions, $refreshedAt)`)

  const seen = new Map<string, Map<string, { feature: Feature; row: FeatureRow }>>()

  const toFeatures = (serverId: string, rows: readonly FeatureRow[]): Feature[] => {
    const before = seen.get(serverId)
    const now = new Map<string, { feature: Feature; row: FeatureRow }>()
    for (const row of rows) {
      const key = `${row.kind} ${row.name}`
      const known = before?.get(key)
      const feature = known && isSameRow(known.row, row) ? known.feature : toFeature(row)
      if (feature) now.set(key, { feature, row })
    }
    if (now.size > 0) seen.set(serverId, now)
    else seen.delete(serverId)
    return [...now.values()].map(({ feature }) => feature)
  }

  const toFeature = (row: FeatureRow): Feature | null => {
    if (isJsonObject(row.descriptor) && kinds.has(row.kind))
      return {
        serverId: row.server_id,
        kind: row.kind,
        name: row.name,
        descriptor: row.descriptor,
        position: row.position,
        firstSeenAt: row.first_seen_at,
        pin: row.kind === 'tool' ? pinOf(row) : null,
      }
    db.report({
      table: 'features',
      id: `${row.server_id} ${row.kind} ${row.name}`,
      what: 'it is no feature',
    })
    return null
  }

  const toHandshake = (row: HandshakeRow | null | undefined): Handshake | null => {
    if (!row) return null
    if (isJsonObject(row.capabilities) && isJsonObject(row.server_info))
      return {
        protocolVersion: row.protocol_version,
        capabilities: row.capabilities,
        serverInfo: row.server_info,
        instructions: row.instructions,
        refreshedAt: row.refreshed_at,
      }
    db.report({ table: 'handshakes', id: row.server_id, what: 'it is not a JSON object' })
    return null
  }

  const mustExist = (serverId: string) => {
    if (!server.get({ serverId })) throw new GatewayError('server.unknown')
  }

  return {
    get: (serverId) => ({
      serverId,
      handshake: toHandshake(handshakeOf.get({ serverId })),
      features: toFeatures(serverId, featuresOf.all({ serverId })),
    }),
    setHandshake: (serverId, handshake) => {
      mustExist(serverId)
      put.run({ serverId, ...handshake })
    },
    replace: (serverId, kind, features) =>
      db.transaction(() => {
        mustExist(serverId)
        const after = firstOfEachName(features)
        const before = ofKind.all({ serverId, kind })
        if (before.length === after.length && before.every((row, i) => isSame(row, after[i]))) return false
        const known = new Map(before.map((row) => [row.name, row.first_seen_at]))
        const at = now()
        for (const id of seen.keys()) if (!server.get({ serverId: id })) seen.delete(id)
        clear.run({ serverId, kind })
        for (const [position, { name, descriptor }] of after.entries()) {
          const firstSeenAt = known.get(name) ?? at
          insert.run({ serverId, kind, position, name, descriptor, firstSeenAt })
        }
        return true
      }),
  }
}

/** Half a surrogate pair has no UTF-8: it is replaced here already, so that what is read back compares equal. */
function firstOfEachName(features: readonly Feature[]): { name: string; descriptor: string }[] {
  const byName = new Map<string, { name: string; descriptor: string }>()
  for (const feature of features) {
    const name = feature.name.toWellFormed()
    if (!byName.has(name)) byName.set(name, { name, descriptor: feature.descriptor.toWellFormed() })
  }
  return [...byName.values()]
}

/** Hints count as they were accepted; none do while nothing was. What is not pinned yet speaks for itself. */
function pinOf(row: FeatureRow): FeaturePin {
  const text = row.pinned === 0 || row.as_pinned === 1 ? row.descriptor : row.pin_text
  return {
    hints: text === null ? null : readHints(text),
    acceptedByPerson: row.as_pinned === 1 && row.accepted_by !== null,
  }
}

const isSame = (
  row: Pick<FeatureRow, 'name' | 'descriptor'>,
  feature: { name: string; descriptor: string } | undefined,
): boolean => row.name === feature?.name && row.descriptor === feature.descriptor

const isSameRow = (a: FeatureRow, b: FeatureRow): boolean =>
  a.descriptor === b.descriptor &&
  a.position === b.position &&
  a.first_seen_at === b.first_seen_at &&
  a.pinned === b.pinned &&
  a.as_pinned === b.as_pinned &&
  a.pin_text === b.pin_text &&
  a.accepted_by === b.accepted_by

function isJsonObject(text: string): boolean {
  if (!text.startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
