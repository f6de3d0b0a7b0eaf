// What the database gets while the gateway runs for weeks.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../../gateway/errors'
import { createUpkeep } from '../../gateway/store/upkeep'
import { eventually, startDaemon } from '../support/daemon'
import { manualClock, openStores, tempFolder } from '../support/temp-store'

const DAY = 86_400_000

function kept(file: string, clock: ReturnType<typeof manualClock>) {
  const stores = openStores(file, clock)
  const reported: unknown[] = []
  const report = (error: unknown) => void reported.push(error)
  const upkeep = createUpkeep({ db: stores.db, file, runtime: clock, report })
  const checkedAt = () =>
    stores.db.statement<{ at: number }>("SELECT at FROM upkeep WHERE name = 'integrity_check'").get()?.at
  return {
    ...stores,
    ...upkeep,
    reported,
    checkedAt,
    async [Symbol.asyncDispose]() {
      await upkeep[Symbol.asyncDispose]()
      stores[Symbol.dispose]()
    },
  }
}

/** Makes an index disagree with its table, under whoever has the database open. */
function damageIndex(file: string): void {
  const bytes = readFileSync(file).toString('latin1')
  writeFileSync(file, bytes.replace('CREATE INDEX i ON t (a)', 'CREATE INDEX i ON t (b)'), 'latin1')
}

test('[threat.59] a gateway that runs for weeks checks everything once a week, beside its work', async () => {
  using folder = tempFolder()
  const clock = manualClock(100 * DAY)
  await using store = kept(join(folder.path, 'mcpmux.db'), clock)
  expect(store.checkedAt()).toBe(100 * DAY)
  clock.advance(6 * DAY)
  for (let n = 0; n < 3; n++) store.turn(true)
  await Bun.sleep(300)
  expect(store.checkedAt()).toBe(100 * DAY)
  clock.advance(DAY)
  for (let n = 0; n < 3; n++) store.turn(false)
  await eventually(store.checkedAt, (at) => at === 107 * DAY)
  // A clock that was set back tells nothing of when that was.
  clock.advance(-20 * DAY)
  store.turn(false)
  await eventually(store.checkedAt, (at) => at === 87 * DAY)
  expect(store.reported).toEqual([])
})

test('[threat.59] damage found while it runs is told once, in the log and by status; the next start refuses', async () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  const clock = manualClock(100 * DAY)
  openStores(file, clock)[Symbol.dispose]()
  const plant = new Database(file)
  plant.run('PRAGMA journal_mode = DELETE')
  plant.run('CREATE TABLE t (a, b); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 2)')
  plant.close()
  damageIndex(file)
  {
    await using store = kept(file, clock)
    clock.advance(8 * DAY)
    for (let n = 0; n < 3; n++) store.turn(true)
    await eventually(
      () => store.reported,
      (errors) => errors.length > 0,
    )
    for (let n = 0; n < 3; n++) store.turn(true)
    await Bun.sleep(300)
    expect(store.reported.map((error) => error instanceof GatewayError && error.code)).toEqual([
      'store.broken',
    ])
    expect(store.db.problems()).toMatchObject([{ table: 'mcpmux.db' }])
    // It still gives what it has.
    store.clients.create({ name: 'later', spaceId: null })
    expect(store.clients.list()).toHaveLength(1)
  }
  expect(() => openStores(file, clock)).toThrow(expect.objectContaining({ code: 'store.broken' }))
})

test('[threat.59] what was written is in the file itself as soon as there is time', async () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  await using store = kept(file, manualClock(100 * DAY))
  store.clients.create({ name: 'written', spaceId: null })
  const holds = () => readFileSync(file, 'latin1').includes('written')
  store.turn(false)
  expect(holds()).toBe(false)
  store.turn(true)
  expect(holds()).toBe(true)
  // A kill from here on is still an unclean end, after which everything is checked.
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
})

test('[threat.59] the compiled program has what checks beside its work, and looks while it runs', async () => {
  await using daemon = await startDaemon()
  const other = new Database(join(daemon.dataDir, 'mcpmux.db'))
  other.run('PRAGMA busy_timeout = 5000')
  const noted = () => other.prepare('SELECT at FROM upkeep').all().length
  expect(noted()).toBe(1)
  other.run('DELETE FROM upkeep')
  await eventually(noted, (many) => many === 1, 100_000)
  other.close()
}, 120_000)
