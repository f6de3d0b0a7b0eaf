import type { Space } from '../domain/space'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'
import { createPresetStore } from './presets'

export interface SpaceStore {
  list(): Space[]
  /** Throws `space.unknown`. */
  get(id: string): Space
  /** By id, else by name in any case. Throws `space.unknown`. */
  find(nameOrId: string): Space
  /** A Space with its presets, *All* as the default one. Throws `space.exists`, `input.invalid`. */
  create(input: { name: string; icon?: string | null }): Space
  /** Throws `space.unknown`, `space.exists`, `input.invalid`, or `set.unknown` for a set of another Space. */
  update(id: string, patch: SpacePatch): Space
  /** Puts a Space at a place of the list, from 0; one behind the end is the end. Throws `space.unknown`. */
  move(id: string, place: number): void
  /**
   * Removes a Space with everything in it; clients pinned to it follow the active Space from then on, where only
   * their own grants count. Throws `space.in_use` for the active Space and the only one.
   */
  remove(id: string): void
  /** The Space that clients without a pin are in. There is always one. */
  active(): Space
  /** Makes a Space the active one. Throws `space.unknown`. */
  use(id: string): void
}

export interface SpacePatch {
  name?: string
  icon?: string | null
  defaultSetId?: string
}

interface Row {
  id: string
  name: string
  icon: string | null
  position: number
  active: number
  default_set_id: string
  created_at: number
}

const toSpace = (row: Row): Space => ({
  id: row.id,
  name: row.name,
  icon: row.icon,
  position: row.position,
  defaultSetId: row.default_set_id,
  createdAt: row.created_at,
})

/** Spaces. The first use of a database makes the Space "Default" and activates it. */
export function createSpaceStore(db: Database, runtime: Pick<Runtime, 'now' | 'newId'>): SpaceStore {
  const all = db.statement<Row>('SELECT * FROM spaces ORDER BY position, created_at')
  const byId = db.statement<Row>('SELECT * FROM spaces WHERE id = $id')
  const byName = db.statement<Row>('SELECT * FROM spaces WHERE name = $name')
  const activeRow = db.statement<Row>('SELECT * FROM spaces WHERE active = 1')
  const insert = db.statement(`
    INSERT INTO spaces (id, name, icon, position, default_set_id, created_at)
    VALUES ($id, $name, $icon, (SELECT coalesce(max(position) + 1, 0) FROM spaces), $defaultSetId, $createdAt)`)
  const presets = createPresetStore(db, runtime)
  const setOfSpace = db.statement('SELECT 1 FROM feature_sets WHERE id = $id AND space_id = $spaceId')
  const change = db.statement(`
    UPDATE spaces SET name = $name, icon = $icon, default_set_id = $defaultSetId
    WHERE id = $id`)
  const setPlace = db.statement('UPDATE spaces SET position = $position WHERE id = $id')
  const deactivate = db.statement('UPDATE spaces SET active = 0 WHERE active = 1')
  const activate = db.statement('UPDATE spaces SET active = 1 WHERE id = $id')
  const drop = db.statement('DELETE FROM spaces WHERE id = $id')

  const rowOf = (id: string): Row => {
    const row = byId.get({ id })
    if (!row) throw new GatewayError('space.unknown')
    return row
  }

  const freeName = (text: string, ownId: string | null): string => {
    const name = text.trim()
    if (!name) throw new GatewayError('input.invalid', 'a Space needs a name')
    const taken = byName.get({ name })
    if (taken && taken.id !== ownId) throw new GatewayError('space.exists', name)
    return name
  }

  const create: SpaceStore['create'] = ({ name, icon = null }) =>
    db.transaction(() => {
      const id = runtime.newId()
      const setId = runtime.newId()
      const createdAt = runtime.now()
      insert.run({ id, name: freeName(name, null), icon, defaultSetId: setId, createdAt })
      presets.addMissing(id, { all: setId })
      return toSpace(rowOf(id))
    })

  const use = (id: string) =>
    db.transaction(() => {
      rowOf(id)
      deactivate.run()
      activate.run({ id })
    })

  const ensureActive = (): Row => {
    const row = activeRow.get()
    if (row) return row
    return db.transaction(() => {
      use(all.get()?.id ?? create({ name: 'Default' }).id)
      return ensureActive()
    })
  }

  ensureActive()
  // Spaces that were made before there were presets, or some of them.
  db.transaction(() => {
    for (const { id } of all.all()) presets.addMissing(id)
  })
  return {
    list: () => all.all().map(toSpace),
    get: (id) => toSpace(rowOf(id)),
    find(nameOrId) {
      const row = byId.get({ id: nameOrId }) ?? byName.get({ name: nameOrId.trim() })
      if (!row) throw new GatewayError('space.unknown', nameOrId)
      return toSpace(row)
    },
    create,
    update: (id, patch) =>
      db.transaction(() => {
        const before = rowOf(id)
        const defaultSetId = patch.defaultSetId ?? before.default_set_id
        if (!setOfSpace.get({ id: defaultSetId, spaceId: id })) throw new GatewayError('set.unknown')
        change.run({
          id,
          name: patch.name === undefined ? before.name : freeName(patch.name, id),
          icon: patch.icon === undefined ? before.icon : patch.icon,
          defaultSetId,
        })
        return toSpace(rowOf(id))
      }),
    move: (id, place) =>
      db.transaction(() => {
        rowOf(id)
        const others = all.all().filter((row) => row.id !== id)
        const ids = others.map((row) => row.id).toSpliced(place, 0, id)
        for (const [position, one] of ids.entries()) setPlace.run({ id: one, position })
      }),
    remove: (id) =>
      db.transaction(() => {
        if (rowOf(id).active)
          throw new GatewayError('space.in_use', 'it is the active one, use another first')
        drop.run({ id })
      }),
    active: () => toSpace(ensureActive()),
    use,
  }
}
