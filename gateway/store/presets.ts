import type { Preset } from '../domain/policy'
import { presetNames, presets } from '../domain/presets'
import type { Runtime } from '../runtime'
import type { Database } from './database'

interface Row {
  id: string
  name: string
  preset: string | null
}

/** Sees to it that every Space has its presets. */
export interface PresetStore {
  /**
   * Adds those a Space lacks, one of them under an id that is given. The *All* of a Space made before there were presets
   * becomes the preset if nobody changed it; whatever else has the name of one gets another, and keeps its id, its rules
   * and who was granted it. Call within a transaction.
   */
  addMissing(spaceId: string, ids?: Partial<Record<Preset, string>>): void
}

export function createPresetStore(db: Database, runtime: Pick<Runtime, 'now' | 'newId'>): PresetStore {
  const ofSpace = db.statement<Row>('SELECT id, name, preset FROM feature_sets WHERE space_id = $spaceId')
  const byName = db.statement<Row>(
    'SELECT id, name, preset FROM feature_sets WHERE space_id = $spaceId AND name = $name',
  )
  const insert = db.statement(`
    INSERT INTO feature_sets (id, space_id, name, preset, created_at)
    VALUES ($id, $spaceId, $name, $preset, $createdAt)`)
  const rename = db.statement('UPDATE feature_sets SET name = $name WHERE id = $id')
  const adopt = db.statement('UPDATE feature_sets SET preset = $preset, name = $name WHERE id = $id')
  const isPlainAll = db.statement(`
    SELECT 1 FROM set_members WHERE set_id = $id
    GROUP BY set_id HAVING count(*) = 1 AND min(type) = 'all' AND min(mode) = 'include'`)

  function freeName(spaceId: string, name: string): string {
    for (let number = 1; ; number++) {
      const free = number === 1 ? `${name} (own)` : `${name} (own ${number})`
      if (!byName.get({ spaceId, name: free })) return free
    }
  }

  return {
    addMissing(spaceId, ids = {}) {
      const there = new Set(ofSpace.all({ spaceId }).map(({ preset }) => preset))
      for (const preset of presets.filter((one) => !there.has(one))) {
        const name = presetNames[preset]
        const holder = byName.get({ spaceId, name })
        if (holder && preset === 'all' && isPlainAll.get({ id: holder.id })) {
          adopt.run({ id: holder.id, preset, name })
          continue
        }
        if (holder) rename.run({ id: holder.id, name: freeName(spaceId, holder.name) })
        insert.run({ id: ids[preset] ?? runtime.newId(), spaceId, name, preset, createdAt: runtime.now() })
      }
    },
  }
}
