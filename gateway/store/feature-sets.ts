import type { FeatureSet, Member, Preset } from '../domain/policy'
import { fixedMembers, presets } from '../domain/presets'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'
import { createSetMembers } from './set-members'

export interface FeatureSetStore {
  /** Presets first, then by age. */
  list(spaceId: string): FeatureSet[]
  /** Throws `set.unknown`. */
  get(id: string): FeatureSet
  /** By id, else by name in any case, within one Space. Throws `set.unknown`. */
  find(spaceId: string, nameOrId: string): FeatureSet
  /** Throws `set.exists`, `set.cycle`, `space.unknown`, `input.invalid`; `server.unknown` or `set.unknown` for members. */
  create(spaceId: string, name: string, members: readonly Member[]): FeatureSet
  /**
   * Replaces all members. Throws `set.cycle` for a set that would contain itself or nest more than 32 deep, and
   * `set.preset` for a preset that is not *Lean*.
   */
  setMembers(id: string, members: readonly Member[]): FeatureSet
  /** The same for *Lean*, noting that it is filled now. */
  fill(id: string, members: readonly Member[]): FeatureSet
  /** Everybody keeps the right to it, which goes by its id. Throws `set.exists`, `set.preset`, `input.invalid`. */
  rename(id: string, name: string): FeatureSet
  /**
   * Removes a set and the grants of it. Throws `set.preset` for a preset, and `set.in_use` for a Space's default set, and
   * where something it excludes would come back: in a set that contains it, or for a client that has others too.
   */
  remove(id: string): void
}

interface Row {
  id: string
  space_id: string
  name: string
  preset: string | null
  created_at: number
  filled_at: number | null
}

/** Feature Sets of all Spaces. */
export function createFeatureSetStore(
  db: Database,
  runtime: Pick<Runtime, 'now' | 'newId'>,
): FeatureSetStore {
  const ofSpace = db.statement<Row>(
    `SELECT * FROM feature_sets WHERE space_id = $spaceId
     ORDER BY preset IS NULL, instr('${presets.join(' ')}', preset), created_at, name`,
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
  const setName = db.statement('UPDATE feature_sets SET name = $name WHERE id = $id')
  const noteFilled = db.statement('UPDATE feature_sets SET filled_at = $at WHERE id = $id')
  const holderOfOthers = db.statement<{ name: string }>(`
    SELECT clients.name FROM grants AS own
    JOIN clients ON clients.id = own.client_id
    LEFT JOIN grants AS other
      ON other.client_id = own.client_id AND other.space_id = own.space_id AND other.set_id <> $id
    WHERE own.set_id = $id AND (other.set_id IS NOT NULL OR clients.everywhere = 1) LIMIT 1`)
  const memberRows = createSetMembers(db)

  const rowOf = (row: Row | null): Row => {
    if (!row) throw new GatewayError('set.unknown')
    return row
  }

  const presetOf = ({ preset }: Row): Preset | null => presets.find((one) => one === preset) ?? null

  const toSet = (row: Row, members: readonly Member[]): FeatureSet => {
    const preset = presetOf(row)
    return {
      id: row.id,
      spaceId: row.space_id,
      name: row.name,
      preset,
      members: preset && preset !== 'lean' ? fixedMembers[preset] : members,
      createdAt: row.created_at,
      filledAt: row.filled_at,
    }
  }

  const read = (row: Row | null): FeatureSet => toSet(rowOf(row), memberRows.of(rowOf(row).id))

  const freeName = (spaceId: string, text: string, ownId: string | null): string => {
    const name = text.trim()
    if (!name) throw new GatewayError('input.invalid', 'a Feature Set needs a name')
    const taken = byName.get({ spaceId, name })
    if (taken && taken.id !== ownId) throw new GatewayError('set.exists', name)
    return name
  }

  /** The row of a set a person may change so. */
  const own = (id: string, isLeanToo = false): Row => {
    const row = rowOf(byId.get({ id }))
    const preset = presetOf(row)
    if (preset && !(isLeanToo && preset === 'lean')) throw new GatewayError('set.preset', row.name)
    return row
  }

  const write = (row: Row, members: readonly Member[]): FeatureSet => {
    memberRows.write(row.id, row.space_id, members)
    return read(byId.get({ id: row.id }))
  }

  return {
    list(spaceId) {
      const members = memberRows.bySet(spaceId)
      return ofSpace.all({ spaceId }).map((row) => toSet(row, members.get(row.id) ?? []))
    },
    get: (id) => read(byId.get({ id })),
    find(spaceId, nameOrId) {
      const row = byId.get({ id: nameOrId })
      const found = row?.space_id === spaceId ? row : byName.get({ spaceId, name: nameOrId.trim() })
      if (!found) throw new GatewayError('set.unknown', nameOrId)
      return read(found)
    },
    create: (spaceId, text, members) =>
      db.transaction(() => {
        if (!space.get({ spaceId })) throw new GatewayError('space.unknown')
        const name = freeName(spaceId, text, null)
        const id = runtime.newId()
        insert.run({ id, spaceId, name, createdAt: runtime.now() })
        memberRows.write(id, spaceId, members)
        return read(byId.get({ id }))
      }),
    setMembers: (id, members) => db.transaction(() => write(own(id, true), members)),
    fill: (id, members) =>
      db.transaction(() => {
        const row = rowOf(byId.get({ id }))
        if (presetOf(row) !== 'lean') throw new GatewayError('input.invalid', 'only Lean is filled')
        noteFilled.run({ id, at: runtime.now() })
        return write(row, members)
      }),
    rename: (id, text) =>
      db.transaction(() => {
        setName.run({ id, name: freeName(own(id).space_id, text, id) })
        return read(byId.get({ id }))
      }),
    remove: (id) =>
      db.transaction(() => {
        const row = own(id)
        if (defaultOf.get({ id })) throw new GatewayError('set.in_use', 'new clients of its Space get it')
        const outer = container.get({ id })
        if (outer) throw new GatewayError('set.in_use', `${outer.name} contains it`)
        const holder = holderOfOthers.get({ id })
        if (holder && memberRows.excludesAny(id, row.space_id))
          throw new GatewayError('set.in_use', `what it excludes would come back for ${holder.name}`)
        clearMembers.run({ id })
        drop.run({ id })
      }),
  }
}
