import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { journalMode } from '../../gateway/store/database'
import { manualClock, openStores, tempFolder, tempStores } from '../support/temp-store'

const program = (name: string) => join(import.meta.dir, '../servers', name)

/** Runs a program with a tmpfs mounted on `folder`, in a mount namespace of its own. */
async function onTmpfs(folder: string, options: string, before: string, name: string): Promise<string> {
  const script = `mount -t tmpfs -o ${options} tmpfs "$1" && ${before} && exec "$2" "$3" "$1"`
  const child = Bun.spawn(
    ['unshare', '-m', 'sh', '-c', script, 'sh', folder, process.execPath, program(name)],
    { stdout: 'pipe', stderr: 'pipe' },
  )
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(err)
  return out
}

const canMount = Bun.spawnSync(['unshare', '-m', 'true']).success
if (!canMount) console.warn('skipped: a disk of its own needs root, for unshare -m and mount')

/** Reads lines until there are `count`, kills the program, and returns all it had written by then. */
async function linesUntilKilled(command: string[], count: number): Promise<string[]> {
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' })
  let text = ''
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.split('\n').length > count) child.kill('SIGKILL')
  }
  await child.exited
  return text.split('\n').slice(0, -1)
}

test('[threat.59] 40 kills in the middle of writing lose nothing that was acknowledged', async () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  const acknowledged: string[] = []
  for (let cycle = 0; cycle < 40; cycle++) {
    const command = [process.execPath, program('store-writer.ts'), file, `cycle${cycle}`]
    const lines = await linesUntilKilled(command, 1 + ((cycle * 7) % 40))
    expect(lines.length).toBeGreaterThan(0)
    acknowledged.push(...lines)
  }
  using stores = openStores(file)
  const stored = new Set(stores.clients.list().map(({ name }) => name))
  expect(acknowledged.filter((name) => !stored.has(name))).toEqual([])
  // At most the one write in flight at each kill is there without having been said.
  expect(stored.size - acknowledged.length).toBeLessThanOrEqual(40)
  expect(stores.spaces.list()).toHaveLength(1)
}, 180_000)

test.skipIf(!canMount)(
  '[threat.59] a full disk is a typed error; reads go on, and writes once there is space',
  async () => {
    using folder = tempFolder()
    const result = JSON.parse(await onTmpfs(folder.path, 'size=2m,mode=700', 'true', 'store-filler.ts'))
    expect(result).toMatchObject({ code: 'store.unwritable', integrity: 'ok' })
    expect(result.message).toContain('no space left')
    expect(result.stored).toBeGreaterThan(10)
    expect([result.readsWhileFull, result.readsAfter]).toEqual([result.stored, result.stored])
  },
  60_000,
)

for (const [what, before] of [
  ['an empty', 'true'],
  ['a used', '"$2" "$3" "$1" >/dev/null'],
] as const)
  test.skipIf(!canMount)(
    `[threat.59] ${what} folder that is read-only is a typed error that says what to do`,
    async () => {
      using folder = tempFolder()
      const remount = `{ ${before}; mount -o remount,ro "$1"; }`
      const result = JSON.parse(await onTmpfs(folder.path, 'size=4m,mode=700', remount, 'store-opener.ts'))
      expect(result.code).toBe('store.unwritable')
      expect(result.message).toContain('check its rights or choose another')
      expect(result.message).not.toContain(folder.path)
    },
    60_000,
  )

test('[threat.59] a damaged database is refused and left as it is for whoever repairs it', () => {
  using stores = tempStores()
  for (let n = 0; n < 200; n++) stores.clients.create({ name: `client ${n}`, spaceId: null })
  stores.db.close()
  const whole = readFileSync(stores.file)
  const damages: [string, (bytes: Buffer) => Buffer][] = [
    ['a page of noise', (bytes) => bytes.fill(0xa5, 3 * 4096, 5 * 4096)],
    ['a last page of noise, far from what a start reads', (bytes) => bytes.fill(0xa5, bytes.length - 4096)],
    ['no header', (bytes) => bytes.fill(0x20, 0, 100)],
    ['cut short', (bytes) => bytes.subarray(0, 4096 * 3 + 17)],
  ]
  for (const [what, damage] of damages) {
    const damaged = damage(Buffer.from(whole))
    writeFileSync(stores.file, damaged)
    const thrown = expect.objectContaining({
      code: 'store.broken',
      message: expect.stringContaining('backups'),
    })
    expect(() => openStores(stores.file), what).toThrow(thrown)
    expect(readFileSync(stores.file).equals(damaged), what).toBe(true)
  }
  writeFileSync(stores.file, whole)
  using again = openStores(stores.file)
  expect(again.clients.list()).toHaveLength(200)
})

test('[threat.59] every commit reaches the disk before it counts', () => {
  using stores = tempStores()
  const value = (name: string) =>
    Object.values(stores.db.statement<Record<string, unknown>>(`PRAGMA ${name}`).get() ?? {})[0]
  expect(value('journal_mode')).toBe('wal')
  const names = [
    'synchronous',
    'busy_timeout',
    'foreign_keys',
    'secure_delete',
    'fullfsync',
    'checkpoint_fullfsync',
  ]
  expect(names.map(value)).toEqual([2, 5000, 1, 1, 1, 1])
})

test('[threat.59] an SQLite that may reset its write-ahead log is not given one', () => {
  expect(['3.51.3', '3.54.1', '3.60.0', '4.0.0'].map(journalMode)).toEqual(['WAL', 'WAL', 'WAL', 'WAL'])
  expect(['3.51.2', '3.7.0', '2.99.99', '', 'odd'].map(journalMode)).toEqual(Array(5).fill('DELETE'))
})

test('[threat.59] a failed transaction leaves nothing of itself', () => {
  using stores = tempStores()
  const { db, clients } = stores
  expect(() =>
    db.transaction(() => {
      clients.create({ name: 'half', spaceId: null })
      clients.create({ name: 'half', spaceId: null })
    }),
  ).toThrow(expect.objectContaining({ code: 'client.exists' }))
  expect(clients.list()).toEqual([])
  clients.create({ name: 'whole', spaceId: null })
  expect(clients.list()).toHaveLength(1)
})

test('[threat.59] closing leaves one file, with everything in it', () => {
  using stores = tempStores()
  stores.clients.create({ name: 'kept', spaceId: null })
  stores.db.close()
  stores.db.close()
  expect([...new Bun.Glob('*').scanSync(stores.folder)]).toEqual(['mcpmux.db'])
  const raw = new Database(stores.file, { readonly: true })
  expect(raw.prepare('SELECT name FROM clients').all()).toEqual([{ name: 'kept' }])
  raw.close()
})

/** Makes an index disagree with its table. */
function damageIndex(file: string): void {
  const damage = new Database(file)
  damage.run('PRAGMA journal_mode = DELETE')
  damage.run('CREATE TABLE t (a, b); CREATE INDEX i ON t (a); INSERT INTO t VALUES (1, 2)')
  damage.close()
  const bytes = readFileSync(file)
    .toString('latin1')
    .replace('CREATE INDEX i ON t (a)', 'CREATE INDEX i ON t (b)')
  writeFileSync(file, bytes, 'latin1')
}

test('[threat.59] after an unclean end an index that disagrees with its table is found, which a quick check is not told', () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  openStores(file)[Symbol.dispose]()
  damageIndex(file)
  expect(() => openStores(file)[Symbol.dispose]()).not.toThrow()
  const killed = new Database(file)
  killed.run("PRAGMA journal_mode = WAL; INSERT INTO settings (key, value) VALUES ('port', '9315')")
  const log = readFileSync(`${file}-wal`)
  killed.close()
  writeFileSync(`${file}-wal`, log)
  expect(() => openStores(file)).toThrow(expect.objectContaining({ code: 'store.broken' }))
})

test('[threat.59] a start checks thoroughly when the last time was a week ago, or lies in the future', () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  const day = 86_400_000
  const clock = manualClock(100 * day)
  const open = () => openStores(file, clock)[Symbol.dispose]()
  open()
  clock.advance(8 * day)
  open()
  damageIndex(file)
  clock.advance(6 * day)
  expect(open).not.toThrow()
  clock.advance(day)
  expect(open).toThrow(expect.objectContaining({ code: 'store.broken' }))
  clock.advance(-8 * day)
  expect(open).toThrow(expect.objectContaining({ code: 'store.broken' }))
})
