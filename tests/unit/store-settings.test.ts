import { expect, test } from 'bun:test'
import { settingKeys, settingSpecs } from '../../gateway/domain/settings'
import { openStores, tempStores } from '../support/temp-store'

const invalid = expect.objectContaining({ code: 'setting.invalid' })

test('[config] every setting starts at its default, and a change is kept', () => {
  using stores = tempStores()
  const { settings } = stores
  expect(settings.all()).toEqual(
    settingKeys.map((key) => ({ key, value: settingSpecs[key].default, isDefault: true })),
  )
  settings.set('port', '8080')
  settings.set('timeouts.connect', 500)
  settings.set('host', '::1')
  expect(settings.read('port')).toBe(8080)
  stores.db.close()
  using again = openStores(stores.file)
  expect(again.settings.read('port')).toBe(8080)
  expect(again.settings.read('timeouts.connect')).toBe(500)
  expect(again.settings.read('host')).toBe('::1')
  again.settings.reset('port')
  expect(again.settings.all().find(({ key }) => key === 'port')).toEqual({
    key: 'port',
    value: 9315,
    isDefault: true,
  })
})

test('[config] a value outside its bounds is refused with the bounds, and the old one stays', () => {
  using stores = tempStores()
  const { settings } = stores
  for (const value of ['', ' 80', '-1', '65536', '8e3', '0x50', '1.5', 1.5, -1, Number.NaN, 1e300, 'ten'])
    expect(() => settings.set('port', value)).toThrow(invalid)
  expect(() => settings.set('port', 70_000)).toThrow('a whole number from 0 to 65535')
  expect(settings.read('port')).toBe(9315)
})

test('[threat.01] no address but a loopback one can be set', () => {
  using stores = tempStores()
  const { settings } = stores
  for (const host of ['0.0.0.0', '0', '::', '::0', '', '*', '::ffff:0.0.0.0', '192.168.1.1', 'LOCALHOST', 0])
    expect(() => settings.set('host', host)).toThrow(invalid)
  for (const host of ['127.0.0.1', '::1', 'localhost']) {
    settings.set('host', host)
    expect(settings.read('host')).toBe(host)
  }
})

test('[config] an unknown setting is refused', () => {
  using stores = tempStores()
  const { settings } = stores
  const unknown = expect.objectContaining({ code: 'setting.unknown' })
  for (const key of ['nothing', '__proto__', 'toString']) {
    expect(() => settings.set(key, 1)).toThrow(unknown)
    expect(() => settings.reset(key)).toThrow(unknown)
  }
})

test('[faults] a stored value that does not fit is reported and the default used; foreign keys are left alone', () => {
  using stores = tempStores()
  const put = stores.db.statement('INSERT INTO settings (key, value) VALUES ($key, $value)')
  put.run({ key: 'port', value: 'many' })
  put.run({ key: 'of.tomorrow', value: '1' })
  stores.db.close()
  using again = openStores(stores.file)
  expect(again.settings.read('port')).toBe(9315)
  expect(again.db.problems()).toMatchObject([{ table: 'settings', id: 'port' }])
})
