import { expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { systemRuntime } from '../../gateway/runtime'
import { openInstallKey } from '../../gateway/secrets/install-key'
import { openDatabase } from '../../gateway/store/database'
import { migrations } from '../../gateway/store/migrations'
import { openStores, tempFolder } from '../support/temp-store'

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

/** Runs with a umask that would let everybody in, were it not for explicit modes. */
function withOpenUmask<T>(work: () => T): T {
  const before = process.umask(0)
  try {
    return work()
  } finally {
    process.umask(before)
  }
}

test('[threat.53] the data folder and every file in it are private from the first byte', () => {
  using folder = tempFolder()
  const home = join(folder.path, 'a', 'b')
  const file = join(home, 'mcpmux.db')
  withOpenUmask(() => {
    const stores = openStores(file)
    openInstallKey(home, systemRuntime)
    expect(['-wal', '-shm'].map((side) => existsSync(file + side))).toEqual([true, true])
    const files = [file, `${file}-wal`, `${file}-shm`, join(home, 'install.key')]
    expect(files.map(mode)).toEqual(files.map(() => '600'))
    expect(mode(home)).toBe('700')
    stores.db.close()
    const more = openDatabase(file, systemRuntime, {
      migrations: [...migrations, 'CREATE TABLE x (y TEXT) STRICT'],
    })
    more.close()
    const backups = join(home, 'backups')
    const [backup] = [...new Bun.Glob('*').scanSync(backups)]
    expect([mode(backups), mode(join(backups, backup ?? ''))]).toEqual(['700', '600'])
  })
})

test('[threat.53][data] what was loosened is tightened again at the next start', () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  openStores(file).db.close()
  openInstallKey(folder.path, systemRuntime)
  const files = [file, `${file}-wal`, `${file}-shm`, join(folder.path, 'install.key')]
  const holder = openStores(file)
  for (const path of files) chmodSync(path, 0o666)
  chmodSync(folder.path, 0o777)
  using _again = openStores(file)
  openInstallKey(folder.path, systemRuntime)
  expect(files.map(mode)).toEqual(files.map(() => '600'))
  expect(mode(folder.path)).toBe('700')
  holder.db.close()
})

test('[threat.53] opening the store leaves the umask that servers inherit as it was', () => {
  using folder = tempFolder()
  const before = process.umask()
  using _stores = openStores(join(folder.path, 'mcpmux.db'))
  openInstallKey(folder.path, systemRuntime)
  expect(process.umask()).toBe(before)
})

test('[threat.53] a folder that is shared on purpose is refused and keeps its mode', () => {
  using folder = tempFolder()
  const shared = join(folder.path, 'tmp')
  mkdirSync(shared)
  chmodSync(shared, 0o1777)
  expect(() => openStores(join(shared, 'mcpmux.db'))).toThrow(
    expect.objectContaining({ code: 'store.unwritable' }),
  )
  expect(mode(shared)).toBe('1777')
  expect(existsSync(join(shared, 'mcpmux.db'))).toBe(false)
})

test('[threat.53] what was deleted is overwritten, in the file and in its log', async () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  const stores = openStores(file)
  const canary = `canary-${systemRuntime.newId()}`
  const { id } = stores.clients.create({ name: canary, spaceId: null })
  const bytes = async () => Buffer.from(await Bun.file(file).bytes()).includes(canary)
  stores.db.close()
  expect(await bytes()).toBe(true)
  using again = openStores(file)
  again.clients.remove(id)
  again.db.close()
  expect(await bytes()).toBe(false)
  expect(existsSync(`${file}-wal`)).toBe(false)
})
