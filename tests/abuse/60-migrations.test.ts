import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../gateway/store/database'
import { migrations } from '../../gateway/store/migrations'
import { splitStatements } from '../../gateway/store/split-statements'
import { manualClock, openStores, tempFolder, tempStores } from '../support/temp-store'

const folder = join(import.meta.dir, '../../gateway/migrations')

// What has shipped never changes: a database out there went through exactly this text.
const pinned = [
  '64100a864b8a4d90ccf511333d914bd6bed3eda3c6170c50283b82e2dfaba3ca',
  'f42cae79e5dc720c5fdd9cb5909c26e3d1f46fb934ab09618392715dfcdc0d8c',
  '3786161d3c47cd1fc6a16b405fba635ebb965dc944492270927225169c779271',
  '86fb39ced5635c10b1aac5bbe1a1174b1f1c6d9f8853142be2b2eee5d3f50566',
  'fa30ad3906cc16289c6a5846683bd53b08d9020bc696d25559fd3aa4df2425f1',
  'e94b032505b62a796c0981aa9e7310b6b19e240657599652f2ac11322e9a61fd',
  '4e0bed7ca7e71a0c3cbb41448495b6cc92c4bf3ca283de895141aafed3de4cd2',
  'eaac449ff4a3a5a8761de596108ea98458a17d712a974f6ae76314ee720ad209',
  '625ac93633f8e90025028d9df56eab7d602aae345e58d4456b9eeacaf88fc782',
  'aff63f089a998b2c3d733f5ae0d8f49662db8a6172606a8cfe1303ae2c13de5d',
  '03b41575e6069b7d9ab896ca84189240e414dfc22b8fb1afec965f979bbdfe14',
  'd4585993e8e54858efd218c15ebe25ba0f87befeb86ae87fb7f9a2d37c0812ac',
  '1ba11f4e5a4e6b6b35e871b7014f589048445b00f6cb0e3e5c2746b45c38372f',
  '3f1b32e34ea082bd10c08894ac5c2b46de857ca260150cf3339607a7c25f44ef',
  '2e4378fb8f429dd318360c231a457679e03c926b7addd5c6879bcd912cf9f396',
]

const next = [
  `CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL) STRICT;
   INSERT INTO notes SELECT id, name FROM clients;
   CREATE TRIGGER notes_follow AFTER UPDATE OF name ON clients BEGIN
     UPDATE notes SET text = CASE WHEN new.name = '' THEN ';' ELSE new.name END WHERE id = new.id;
   END;`,
  'ALTER TABLE notes ADD COLUMN pinned INTEGER; UPDATE notes SET pinned = 1',
]
const target = [...migrations, ...next]

const backupsOf = (home: string) => readdirSync(join(home, 'backups')).toSorted()

function look(file: string): { version: unknown; tables: unknown[]; clients: unknown[] } {
  const raw = new Database(file, { readonly: true })
  try {
    return {
      version: Object.values(raw.prepare<object, []>('PRAGMA user_version').get() ?? {})[0],
      tables: raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all(),
      clients: raw.prepare('SELECT name FROM clients').all(),
    }
  } finally {
    raw.close(true)
  }
}

test('[threat.60] the list of migrations is the folder, in order', () => {
  const files = readdirSync(folder).toSorted()
  expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, i) => i + 1))
  expect(migrations).toEqual(files.map((name) => readFileSync(join(folder, name), 'utf8')))
})

test('[threat.60] shipped migrations are what they were', () => {
  expect(migrations.map((sql) => createHash('sha256').update(sql).digest('hex'))).toEqual(pinned)
})

test('[threat.60] a migration keeps the data and leaves a backup of the time before that opens', () => {
  using stores = tempStores()
  const client = stores.clients.create({ name: 'kept', spaceId: null })
  const before = look(stores.file)
  stores.db.close()
  const db = openDatabase(stores.file, manualClock(77), { migrations: target })
  expect(db.statement('SELECT * FROM notes').all()).toEqual([{ id: client.id, text: 'kept', pinned: 1 }])
  db.statement("UPDATE clients SET name = ''").run()
  expect(db.statement('SELECT text FROM notes').all()).toEqual([{ text: ';' }])
  db.close()
  expect(look(stores.file).version).toBe(target.length)
  const [name, ...others] = backupsOf(stores.folder)
  expect(others).toEqual([])
  expect(look(join(stores.folder, 'backups', name ?? ''))).toEqual(before)
  using restored = openStores(join(stores.folder, 'backups', name ?? ''))
  expect(restored.clients.list()).toEqual([client])
})

test('[threat.60] a start without a new migration makes no backup; three backups are kept', () => {
  using stores = tempStores()
  stores.db.close()
  openStores(stores.file).db.close()
  expect(existsSync(join(stores.folder, 'backups'))).toBe(false)
  const clock = manualClock(999)
  const steps = [...migrations]
  for (let step = 0; step < 5; step++) {
    steps.push(`CREATE TABLE step_${step} (id TEXT) STRICT`)
    clock.advance(1)
    openDatabase(stores.file, clock, { migrations: steps }).close()
  }
  const versions = [2, 3, 4].map((n) => migrations.length + n)
  expect(backupsOf(stores.folder)).toEqual(
    versions.map((version, i) => `mcpmux-v${version}-${String(1002 + i).padStart(14, '0')}.db`).toSorted(),
  )
})

test('[threat.60] a database of a newer version is refused politely and not touched', () => {
  using stores = tempStores()
  stores.db.close()
  openDatabase(stores.file, manualClock(), { migrations: target }).close()
  const before = readFileSync(stores.file)
  const backups = backupsOf(stores.folder)
  const newer = expect.objectContaining({
    code: 'store.newer',
    message:
      'the data folder belongs to a newer McpMux: install that version again, or choose another data folder',
  })
  expect(() => openStores(stores.file)).toThrow(newer)
  expect(readFileSync(stores.file).equals(before)).toBe(true)
  expect(backupsOf(stores.folder)).toEqual(backups)
  openDatabase(stores.file, manualClock(), { migrations: target }).close()
})

test('[threat.60] a migration that fails, or breaks a reference, is undone as a whole', () => {
  using stores = tempStores()
  stores.clients.create({ name: 'kept', spaceId: null })
  stores.db.close()
  const before = look(stores.file)
  const bad = [
    'CREATE TABLE half (id TEXT) STRICT; DELETE FROM clients; SELECT broken',
    'CREATE TABLE half (id TEXT) STRICT; DELETE FROM feature_sets',
  ]
  for (const sql of bad)
    expect(() => openDatabase(stores.file, manualClock(), { migrations: [...migrations, sql] })).toThrow()
  expect(look(stores.file)).toEqual(before)
  using again = openStores(stores.file)
  expect(again.clients.list()).toHaveLength(1)
})

/** Kills a migrating program before each of its statements in turn; returns how many there were. */
async function killAtEachStatement(prepare: () => string, verify: (file: string) => void): Promise<number> {
  const migrator = join(import.meta.dir, '../servers/store-migrator.ts')
  for (let stop = 0; ; stop++) {
    const file = prepare()
    const command = [process.execPath, migrator, file, JSON.stringify(target), String(stop)]
    const child = Bun.spawn(command, { stdout: 'inherit', stderr: 'inherit' })
    const code = await child.exited
    if (child.signalCode === null) {
      expect(code).toBe(0)
      return stop
    }
    verify(file)
  }
}

const statementsOf = (list: readonly string[]) =>
  // Each migration also sets its version, and is stopped once more before its commit.
  list.reduce((sum, sql) => sum + splitStatements(sql).length + 2, 0)

test('[threat.60] a kill before any statement of a migration leaves a whole version that goes on', async () => {
  using home = tempFolder()
  let n = 0
  const prepare = () => {
    const file = join(home.path, String(n++), 'mcpmux.db')
    using stores = openStores(file)
    stores.clients.create({ name: 'kept', spaceId: null })
    return file
  }
  const tablesBefore = look(prepare()).tables.length
  const kills = await killAtEachStatement(prepare, (file) => {
    const { version, clients, tables } = look(file)
    expect(clients).toEqual([{ name: 'kept' }])
    // The first of the two migrations adds the one table; there is nothing in between.
    expect(tables.length - tablesBefore).toBe(version === migrations.length ? 0 : 1)
    const db = openDatabase(file, manualClock(), { migrations: target })
    expect(db.statement('SELECT text, pinned FROM notes').all()).toEqual([{ text: 'kept', pinned: 1 }])
    db.close()
  })
  expect(kills).toBe(statementsOf(next))
}, 400_000)

test('[threat.60] a kill during the very first start leaves a folder that the next start takes over', async () => {
  using home = tempFolder()
  let n = 0
  const kills = await killAtEachStatement(
    () => join(home.path, String(n++), 'mcpmux.db'),
    (file) => {
      const db = openDatabase(file, manualClock(), { migrations: target })
      expect(db.statement('SELECT * FROM notes').all()).toEqual([])
      db.close()
    },
  )
  expect(kills).toBe(statementsOf(target))
}, 400_000)
