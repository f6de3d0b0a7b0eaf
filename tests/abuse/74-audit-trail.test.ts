import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import type { AuditEntry } from '../../gateway/domain/audit'
import { createAuditTrail } from '../../gateway/logs/audit'
import { manualClock, openStores, tempStores } from '../support/temp-store'

const byHand: AuditEntry['actor'] = { via: 'socket', pid: 7, executable: '/usr/bin/mcpmux' }
const created = (subject: string): AuditEntry => ({ action: 'key.created', actor: byHand, subject })
const everything = { before: null, limit: 1000 }

function tempTrail(runtime = { ...manualClock(), monotonic: () => 0 }) {
  const stores = tempStores(runtime)
  const problems: unknown[] = []
  const trail = createAuditTrail({
    store: stores.audit,
    redact: (text) => text.replaceAll('secret', '[redacted]'),
    settings: stores.settings.read,
    runtime,
    report: (error) => problems.push(error),
  })
  return { stores, trail, problems, [Symbol.dispose]: () => stores[Symbol.dispose]() }
}

test('[threat.74] [audit] what a person does is on the disk when it is recorded, with who and when', () => {
  using one = tempTrail()
  one.trail.record({ ...created('laptop …Ab3d'), clientId: 'c1', detail: { key: 'k1', many: 2, yes: true } })
  using again = openStores(one.stores.file)
  expect(again.audit.list({}, everything)).toEqual([
    {
      seq: 1,
      at: 1_000_000,
      until: 1_000_000,
      count: 1,
      action: 'key.created',
      actor: byHand,
      clientId: 'c1',
      subject: 'laptop …Ab3d',
      detail: { key: 'k1', many: 2, yes: true },
    },
  ])
})

test('[threat.74] [audit] entries can be added and read, and the tables refuse everything else', () => {
  using one = tempTrail()
  for (const name of ['a', 'b', 'c']) one.trail.record(created(name))
  const raw = new Database(one.stores.file)
  for (const sql of [
    "UPDATE audit_log SET subject = 'x' WHERE seq = 2",
    'DELETE FROM audit_log WHERE seq = 2',
    'DELETE FROM audit_log',
    "INSERT OR REPLACE INTO audit_log SELECT 2, at, until, 9, action, via, pid, executable, actor_client, actor_credential, space_id, client_id, server_id, 'x', detail, chain FROM audit_log WHERE seq = 2",
    'INSERT INTO audit_log SELECT 9, at, until, count, action, via, pid, executable, actor_client, actor_credential, space_id, client_id, server_id, subject, detail, chain FROM audit_log WHERE seq = 2',
  ])
    expect(() => raw.run(sql)).toThrow(/audit trail/)
  raw.close(true)
  expect(one.trail.list({}, everything).map(({ seq, subject }) => [seq, subject])).toEqual([
    [3, 'c'],
    [2, 'b'],
    [1, 'a'],
  ])
})

test('[threat.74] [audit] a change, a gap and a cut-off end made around the tables are noticed', async () => {
  const around = async (sql: string) => {
    using one = tempTrail()
    const rows = Array.from({ length: 1200 }, (_, n) => ({
      ...created(String(n)),
      at: n,
      until: n,
      count: 1,
    }))
    one.stores.audit.append(rows)
    const raw = new Database(one.stores.file)
    for (const trigger of ['stays', 'is_kept', 'grows']) raw.run(`DROP TRIGGER audit_log_${trigger}`)
    raw.run(sql)
    raw.close(true)
    const { broken } = await one.trail.check()
    return broken
  }
  expect(await around('SELECT 1')).toBeNull()
  expect(await around("UPDATE audit_log SET subject = 'x' WHERE seq = 700")).toBe(700)
  expect(await around('DELETE FROM audit_log WHERE seq = 700')).toBe(700)
  expect(await around('DELETE FROM audit_log WHERE seq > 1100')).toBe(1101)
  expect(await around('DELETE FROM audit_log WHERE seq < 10')).toBe(1)
})

test('[threat.74] [audit] a flood of refusals becomes one row for each kind and minute', () => {
  let minute = 0
  const runtime = { ...manualClock(), monotonic: () => minute * 60_000 }
  using one = tempTrail(runtime)
  const refused = (subject: string): AuditEntry => ({
    action: 'call.refused',
    actor: { via: 'client', clientId: 'c1', credentialId: null },
    subject,
  })
  for (let n = 0; n < 10_000; n++) {
    one.trail.record(refused('delete_all'))
    one.trail.record(refused(`probe_${n}`))
    one.trail.record({ action: 'auth.failed', actor: { via: 'gateway' }, subject: 'unknown' })
  }
  one.trail.turn()
  expect(one.stores.audit.ends().head.seq).toBe(0)
  minute = 1
  one.trail.turn()
  const rows = one.stores.audit.list({}, everything)
  expect(rows.length).toBeLessThan(300)
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(30_000)
  expect(rows.find(({ subject }) => subject === 'delete_all')?.count).toBe(10_000)
  expect(rows.find(({ action }) => action === 'auth.failed')?.count).toBe(10_000)
})

test('[threat.74] [audit] a disk that takes nothing stops nobody, and what is missing is said afterwards', () => {
  using one = tempTrail()
  const append = one.stores.audit.append
  let full = true
  const trail = createAuditTrail({
    store: {
      ...one.stores.audit,
      append(rows) {
        if (full) throw new Error('disk full')
        append(rows)
      },
    },
    redact: (text) => text,
    settings: one.stores.settings.read,
    runtime: { ...manualClock(), monotonic: () => 0 },
    report: (error) => one.problems.push(error),
  })
  for (let n = 0; n < 1500; n++) trail.record(created(String(n)))
  trail.turn()
  expect(one.problems.length).toBe(1)
  full = false
  trail.turn()
  const rows = one.stores.audit.list({}, { before: null, limit: 2000 })
  expect(rows.length).toBe(1001)
  expect([rows.at(-1)?.action, rows.at(-1)?.count, rows[0]?.subject]).toEqual(['audit.lost', 500, '1499'])
})

test('[threat.74] [audit] old entries and too many go, oldest first, and the chain still holds', async () => {
  const clock = manualClock()
  using one = tempTrail({ ...clock, monotonic: () => 0 })
  one.stores.settings.set('audit.entries', 5)
  one.stores.settings.set('audit.days', 1)
  for (let n = 1; n <= 8; n++) one.trail.record(created(String(n)))
  one.trail.prune()
  const numbers = () => one.trail.list({}, everything).map(({ seq }) => seq)
  expect(numbers()).toEqual([8, 7, 6, 5, 4])
  expect(await one.trail.check()).toEqual({ first: 4, last: 8, broken: null })
  clock.advance(86_400_001)
  one.trail.record(created('9'))
  one.trail.prune()
  expect(numbers()).toEqual([9])
  expect(await one.trail.check()).toEqual({ first: 9, last: 9, broken: null })
})

test('[threat.74] [audit] an entry holds no secret and no long text, and is found by what it is about', () => {
  using one = tempTrail()
  one.trail.record({
    ...created(`a secret ${'x'.repeat(5000)}`),
    clientId: 'c1',
    spaceId: 's1',
    detail: { value: 'the secret itself', long: 'y'.repeat(5000) },
  })
  one.trail.record({ action: 'space.used', actor: { via: 'window' }, spaceId: 's2' })
  one.trail.record({ action: 'server.spawned', actor: { via: 'gateway' }, serverId: 'v1' })
  one.trail.record({ action: 'call.refused', actor: { via: 'client', clientId: 'c1', credentialId: null } })
  const actions = (filter: Parameters<typeof one.trail.list>[0]) =>
    one.trail.list(filter, everything).map(({ action }) => action)
  expect(actions({ action: 'key.*' })).toEqual(['key.created'])
  expect(actions({ clientId: 'c1' })).toEqual(['call.refused', 'key.created'])
  expect(actions({ spaceId: 's2' })).toEqual(['space.used'])
  expect(actions({ serverId: 'v1' })).toEqual(['server.spawned'])
  expect(actions({ since: 2_000_000 })).toEqual([])
  const text = JSON.stringify(one.trail.list({ action: 'key.created' }, everything))
  expect([text.includes('secret'), text.length < 1000]).toEqual([false, true])
  const paged = one.trail.list({}, { before: 3, limit: 1 })
  expect(paged.map(({ seq }) => seq)).toEqual([2])
})
