import { settingSpecs, type SettingKey } from '../domain/settings'
import { GatewayError } from '../errors'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, Nothing, SettingBody } from './schemas'

/** A setting as it is now, with what a person needs to change it. */
export interface SettingView {
  key: SettingKey
  value: string | number
  isDefault: boolean
  default: string | number
  unit: string
  help: string
}

export const settingViews = (settings: AdminDeps['settings']): SettingView[] =>
  settings.all().map((row) => {
    const spec = settingSpecs[row.key]
    return {
      ...row,
      default: spec.default,
      unit: spec.type === 'number' ? spec.unit : 'text',
      help: spec.help,
    }
  })

/** Settings by key, with their defaults and bounds in `domain/settings`. */
export function settingRoutes({ settings, events, record }: AdminDeps) {
  const one = (key: string): SettingView => {
    const found = settingViews(settings).find((row) => row.key === key)
    if (!found) throw new GatewayError('setting.unknown')
    return found
  }

  return resource('/settings')
    .get('/', () => settingViews(settings))
    .put(
      '/:id',
      ({ params, body, request }) => {
        settings.set(params.id, body.value)
        events.emit('settings.changed', { key: params.id })
        record(request, { action: 'setting.changed', subject: params.id, detail: { value: body.value } })
        return one(params.id)
      },
      { params: IdParams, body: SettingBody },
    )
    .delete(
      '/:id',
      ({ params, request }) => {
        settings.reset(params.id)
        events.emit('settings.changed', { key: params.id })
        record(request, { action: 'setting.changed', subject: params.id, detail: { reset: true } })
        return one(params.id)
      },
      { params: IdParams, body: Nothing },
    )
}
