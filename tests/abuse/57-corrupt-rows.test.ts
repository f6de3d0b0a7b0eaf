// One row that cannot be read, in each table that could have one, under the compiled gateway.
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlOf } from '../support/control'
import { type Daemon, startDaemon } from '../support/daemon'
import { mcpHeaders } from '../support/raw-client'
import { openCaller, scripted, textOf, type Caller } from '../support/scripted'

const names = ['broken', 'renamed', 'half-known', 'unsealed', 'healthy']
let home: string
let dataDir: string
let key: string
let pinnedKey: string
let sessions: Caller[]
let damaged: string[]
let daemon: Daemon

/** Changes the database as a failing disk or a careless hand would. */
function edit(work: (db: Database) => void): void {
  const db = new Database(join(dataDir, 'mcpmux.db'))
  db.run('PRAGMA ignore_check_constraints = ON')
  work(db)
  db.close()
}

/** Every row that was damaged, as text. */
const rowsNow = (): string[] => {
  const found: string[] = []
  edit((db) => {
    for (const table of ['servers', 'handshakes', 'features', 'consents', 'settings', 'set_members'])
      for (const row of db.prepare(`SELECT * FROM ${table}`).all())
        if (/DAMAGED/.test(JSON.stringify(row))) found.push(`${table} ${JSON.stringify(row)}`)
  })
  return found
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'mux-corrupt-'))
  dataDir = join(home, 'data')
  const before = await startDaemon({ home, dataDir })
  // So that the ids of sessions count after the restart, too.
  await before.ok('vault', 'use', 'insecure', '--yes')
  for (const name of names)
    await before.ok('add', name, '--yes', '--', ...scripted('plain', join(home, `${name}.log`)))
  key = (await before.ok('key', 'create', 'everyone')).trim()
  const control = controlOf(before)
  const [space] = await control.get<{ id: string }[]>('/spaces')
  const body = { spaceId: space?.id, name: 'Some', members: [{ mode: 'include', target: { type: 'all' } }] }
  await control.send('POST', '/sets', body)
  pinnedKey = (await before.ok('key', 'create', 'somebody', '--set', 'Some')).trim()
  await before.ok('config', 'set', 'limits.parallel_starts', '7')
  await before.ok('config', 'set', 'limits.sessions_per_client', '77')
  sessions = [await openCaller(before, key), await openCaller(before, key)]
  before.kill('SIGTERM')
  expect(await before.exited).toBe(0)

  const port = new URL(before.mcpUrl).port
  edit((db) => {
    const of = (name: string) => `(SELECT id FROM servers WHERE name = '${name}')`
    db.run(`UPDATE handshakes SET capabilities = 'DAMAGED' WHERE server_id = ${of('half-known')}`)
    db.run(
      `UPDATE features SET descriptor = '{"name": DAMAGED' WHERE server_id = ${of('half-known')} AND name = 'echo'`,
    )
    db.run(`UPDATE consents SET seal = 'DAMAGED' WHERE server_id = ${of('unsealed')}`)
    db.run(`UPDATE servers SET definition = '{"type":"stdio",DAMAGED' WHERE name = 'broken'`)
    db.run("UPDATE servers SET alias = 'DAMAGED ALIAS' WHERE name = 'renamed'")
    db.run(`UPDATE features SET kind = 'DAMAGED' WHERE server_id = ${of('half-known')} AND name = 'touch'`)
    db.run("UPDATE settings SET value = 'DAMAGED' WHERE key = 'limits.parallel_starts'")
    db.run(`UPDATE set_members SET mode = 'DAMAGED'
      WHERE set_id = (SELECT id FROM feature_sets WHERE name = 'Some')`)
    db.run(`UPDATE sessions SET client_info = 'DAMAGED{', client_capabilities = 'DAMAGED', log_level = 'DAMAGED'
      WHERE id = (SELECT id FROM sessions LIMIT 1)`)
  })
  damaged = rowsNow()
  writeFileSync(join(dataDir, 'processes.json'), '{"runMark": DAMAGED')
  daemon = await startDaemon({ home, dataDir, args: ['--port', port] })
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

test('[threat.57] the test damages what it says', () => {
  expect(damaged.map((row) => row.split(' ')[0])).toEqual([
    'servers',
    'servers',
    'handshakes',
    'features',
    'features',
    'consents',
    'settings',
    'set_members',
  ])
})

test('[threat.57] each unreadable row is left out by itself and named, everything else is there', async () => {
  const status = await daemon.ok('status')
  for (const table of ['servers', 'handshakes', 'features', 'settings', 'set_members'])
    expect(status).toMatch(new RegExp(`unread +${table} .*left out`))
  expect(status).toMatch(/unread +features \S+ DAMAGED touch: /)
  // Which row, and nothing of what is in it.
  expect(status).not.toMatch(/DAMAGED ALIAS|"type"/)
  const list = await daemon.ok('list')
  expect(names.filter((name) => list.includes(name))).toEqual(['half-known', 'unsealed', 'healthy'])
  expect(await daemon.ok('config', 'get', 'limits.sessions_per_client')).toContain('77')
  expect(await daemon.ok('config', 'get', 'limits.parallel_starts')).not.toContain('7\n')
})

test('[threat.57] servers beside it serve, one whose consent is damaged asks for it again, and reading again heals a list', async () => {
  const caller = await openCaller(daemon, key)
  expect(textOf(await caller.call('healthy_echo', { text: 'well' }))).toBe('well')
  expect((await caller.call('unsealed_echo')).error?.data?.code).toBe('upstream.needs_consent')
  expect((await caller.call('broken_echo')).error?.data?.code).toBe('feature.unknown')
  expect(textOf(await caller.call('half-known_slow', { ms: 1 }))).toBe('slept')
  await daemon.ok('restart', 'half-known')
  expect(textOf(await caller.call('half-known_echo', { text: 'read again' }))).toBe('read again')
})

test('[threat.57] a damaged member of a set narrows it and never widens it', async () => {
  const caller = await openCaller(daemon, pinnedKey)
  expect(await caller.names()).toEqual([])
})

test('[threat.57] a damaged session goes on or is unknown, the other one goes on', async () => {
  const statuses = await Promise.all(
    sessions.map(async ({ id }) => {
      const headers = { ...mcpHeaders(key), 'Mcp-Session-Id': id }
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
      const response = await fetch(daemon.mcpUrl, { method: 'POST', headers, body })
      return [response.status, (await response.text()).includes('healthy_echo')]
    }),
  )
  for (const [status] of statuses) expect([200, 404]).toContain(Number(status))
  expect(statuses).toContainEqual([200, true])
  await daemon.ok('status', '--json')
})

test('[threat.57] nothing damaged is deleted, and the end is a good one', async () => {
  daemon.kill('SIGTERM')
  expect(await daemon.exited).toBe(0)
  // What a server told anew has taken the place of what was damaged.
  const healed = /^handshakes |^features .*"kind":"tool"/
  expect(rowsNow()).toEqual(damaged.filter((row) => !healed.test(row)))
})
