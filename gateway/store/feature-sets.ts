import type { FeatureSet, Member } from '../domain/policy'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'
import { createSetMembers } from './set-members'

export interface FeatureSetStore {
  list(spaceId: string): FeatureSet[]
  /** Throws `set.unknown`. */
  get(id: string): FeatureSet
  /** By id, else by name in any case, within one Space. Throws `set.unknown`. */
  find(spaceId: string, nameOrId: string): FeatureSet
  /** Throws `set.exists`, `set.cycle`, `space.unknown`, `input.invalid`; `server.unknown` or `set.unknown` for members. */
  create(spaceId: string, name: string, members: readonly Member[]): FeatureSet
  /** Replaces all members. Throws `set.cycle` for a set that would contain itself or nest more than 32 deep. */
  setMembers(id: string, members: readonly Member[]): FeatureSet
  /**
   * Removes a set and the grants of it. Throws `set.in_use` for a Space's default set and for one that other sets
   * contain: without it their excludes would be gone.
   */
  remove(id: string): void
}

interface Row {
  id: string
  space_id: string
  name: string
  created_at: number
}

/** Feature Sets of all Spaces. */
export function createFeatureSetStore(
  db: Database,
  runtime: Pick<Runtime, 'now' | 'newId'>,
): FeatureSetStore {
  const ofSpace = db.statement<Row>(
    'SELECT * FROM feature_sets WHERE space_id = $spaceId ORDER BY created_at, name',
  )
  const byId = db.statement<Row>('SELECT * FROM feature_sets WHERE id = $id')
  const byName = db.statement<Row>('SELECT * FROM feature_sets WHERE space_id = $spaceId AND name = $name')
  const space = db.statement('SELECT 1 FROM spaces WHERE id = $spaceId')
  const insert = db.statement(
    'INSERT INTO feature_sets (id, space_id, name, created_at) VALUES ($id, $spaceId, $name, $createdAt)',
  )
  const drop = db.statement('DELETE FROM feature_sets WHERE id = $id')
  const clearMembers = db.statement('DELETE FROM set_members WHERE set_id = $id')
  const defaultOf = db.statement('SELECT 1 FROM spaces WHERE default_set_id = $id')
  const container = db.statement<{ name: string }>(`
    SELECT feature_sets.name FROM set_members JOIN feature_sets ON feature_sets.id = set_id
    WHERE member_set_id = $id AND set_id <> $id LIMIT 1`)
  const memberRows = createSetMembers(db)

  const rowOf = (row: Row | null): Row => {
    if (!row) throw new GatewayError('set.unknown')
    return row
  }

  const toSet = (row: Row, members: readonly Member[]): FeatureSet => ({
    id: row.id,
    spaceId: row.space_id,
    name: row.name,
    members,
    createdAt: row.created_at,
  })

  const read = (row: Row | null): FeatureSet => toSet(rowOf(row), memberRows.of(rowOf(row).id))

  return {
    list(spaceId) {
      const members = memberRows.bySet(spaceId)
      return ofSpace.all({ spaceId }).map((row) => toSet(row, members.get(row.id) ?? []))
    },
    get: (id) => read(byId.get({ id })),
    find(spaceId, nameOrId) {
      const row = byId.get({ id: nameOrId })
      return read(row?.space_id === spaceId ? row : byName.get({ spaceId, name: nameOrId.trim() }))
    },
    create: (spaceId, text, members) =>
      db.transaction(() => {
        const name = text.trim()
        if (!name) throw new GatewayError('input.invalid', 'a Feature Set needs a name')
        if (!space.get({ spaceId })) throw new GatewayError('space.unknown')
        if (byName.get({ spaceId, name })) throw new GatewayError('set.exists', name)
        const id = runtime.newId()
        insert.run({ id, spaceId, name, createdAt: runtime.now() })
        memberRows.write(id, spaceId, members)
        return read(byId.get({ id }))
      }),
    setMembers: (id, members) =>
      db.transaction(() => {
        memberRows.write(id, rowOf(byId.get({ id })).space_id, members)
        return read(byId.get({ id }))
      }),
    remove: (id) =>
      db.transaction(() => {
        rowOf(byId.get({ id }))
        if (defaultOf.get({ id })) throw new GatewayError('set.in_use', 'new clients of its Space get it')
        const outer = container.get({ id })
        if (outer) throw new GatewayError('set.in_use', `${outer.name} contains it`)
        clearMembers.run({ id })
        drop.run({ id })
      }),
  }
}
