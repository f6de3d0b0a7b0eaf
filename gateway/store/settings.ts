import { isDocumentId } from '../domain/document-id'
import {
  type ReadSetting,
  type SettingKey,
  settingKeys,
  type SettingSpec,
  settingSpecs,
} from '../domain/settings'
import { GatewayError } from '../errors'
import type { Database } from './database'

export interface SettingStore {
  /** The value as it is now; costs one look into memory. */
  read: ReadSetting
  /** Every setting in its order. */
  all(): { key: SettingKey; value: string | number; isDefault: boolean }[]
  /** A number may come as its decimal text. Throws `setting.unknown`, `setting.invalid`. */
  set(key: string, value: string | number): void
  /** Back to the default. Throws `setting.unknown`. */
  reset(key: string): void
}

/** Settings that differ from their defaults. A stored value that does not fit any more is reported and not used. */
export function createSettingStore(db: Database): SettingStore {
  const all = db.statement<{ key: string; value: string }>('SELECT key, value FROM settings')
  const put = db.statement('INSERT OR REPLACE INTO settings (key, value) VALUES ($key, $value)')
  const drop = db.statement('DELETE FROM settings WHERE key = $key')

  const values = new Map<SettingKey, string | number>()
  for (const { key, value } of all.all()) {
    // A key this version does not know may belong to another one.
    if (!isSettingKey(key)) continue
    const fitting = fit(settingSpecs[key], value)
    if (fitting === null) db.report({ table: 'settings', id: key, what: 'its value does not fit' })
    else values.set(key, fitting)
  }

  const known = (key: string): SettingKey => {
    if (!isSettingKey(key)) throw new GatewayError('setting.unknown', key)
    return key
  }

  const read: ReadSetting = (key) => {
    const value = values.get(key) ?? settingSpecs[key].default
    return value as ReturnType<typeof read<typeof key>>
  }

  return {
    read,
    all: () => settingKeys.map((key) => ({ key, value: read(key), isDefault: !values.has(key) })),
    set(text, value) {
      const key = known(text)
      const spec: SettingSpec = settingSpecs[key]
      const fitting = fit(spec, value)
      if (fitting === null) throw new GatewayError('setting.invalid', `${key} takes ${range(spec)}`)
      put.run({ key, value: String(fitting) })
      values.set(key, fitting)
    },
    reset(text) {
      const key = known(text)
      drop.run({ key })
      values.delete(key)
    },
  }
}

const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(settingSpecs, key)

function fit(spec: SettingSpec, value: string | number): string | number | null {
  if (spec.type === 'document') return value === '' || isDocumentId(String(value)) ? String(value) : null
  if (spec.type === 'text') return spec.allowed.includes(String(value)) ? String(value) : null
  const number = typeof value === 'number' || /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  return Number.isInteger(number) && number >= spec.min && number <= spec.max ? number : null
}

function range(spec: SettingSpec): string {
  if (spec.type === 'text') return spec.allowed.join(', ')
  if (spec.type === 'document')
    return 'an https address with a path, spelled as a browser spells it, or nothing'
  return `a whole number from ${spec.min} to ${spec.max} (${spec.unit})`
}
