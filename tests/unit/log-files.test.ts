import { expect, test } from 'bun:test'
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LogLine } from '../../gateway/domain/log'
import { createJournal, type Journal } from '../../gateway/logs/journal'
import { manualClock, tempFolder } from '../support/temp-store'

const bounds = { partBytes: 2000, parts: 3, totalBytes: 20_000 }
const ID = '0b0b0b0b-0000-4000-8000-000000000001'
const OTHER = '0b0b0b0b-0000-4000-8000-000000000002'

/** A journal over a folder of its own; its clock ticks with every look. */
function tempJournal(more: Partial<Parameters<typeof createJournal>[0]> = {}) {
  const folder = tempFolder()
  const clock = manualClock(Date.parse('2026-11-03T12:00:00Z'))
  const runtime = { now: () => clock.now(), monotonic: () => clock.now() }
  const logs = join(folder.path, 'logs')
  const open = () => createJournal({ folder: logs, redact: (text) => text, runtime, bounds, ...more })
  const journal = open()
  return {
    journal,
    open,
    clock,
    logs,
    files: () => readdirSync(logs).sort(),
    text: (name: string) => readFileSync(join(logs, name), 'utf8'),
    [Symbol.dispose]() {
      journal[Symbol.dispose]()
      folder[Symbol.dispose]()
    },
  }
}

const say = (journal: Journal, message: string, id = ID) => journal.server(id, 'info', 'MCP', message)
const messages = (lines: readonly LogLine[]) => lines.map(({ message }) => message)
const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

test('[logs] each line is one JSON object with time, level, source and message, in a file named after the id', () => {
  using it = tempJournal()
  it.journal.server(ID, 'warning', 'Transport', 'one\r\n\u001b[2Jtwo\u2028', { code: 'upstream.lost' })
  it.journal.gateway('info', 'started', { pid: 7 })
  it.journal.audit('info', 'POST /keys', { method: 'POST', path: '/keys', pid: 8, executable: '/bin/x' })
  expect(it.files()).toEqual([`${ID}.ndjson`, 'audit.ndjson', 'mcpmux.ndjson'])
  const text = it.text(`${ID}.ndjson`)
  expect(text.split('\n')).toHaveLength(2)
  expect(text).not.toMatch(/[\r\u001b]/)
  expect(JSON.parse(text)).toEqual({
    time: '2026-11-03T12:00:00.000Z',
    level: 'warning',
    source: 'Transport',
    message: 'one\r\n\u001b[2Jtwo\u2028',
    code: 'upstream.lost',
  })
})

test('[threat.73] only listed fields are written, and all that is text passes the redactor', () => {
  using it = tempJournal({ redact: (text) => text.replaceAll('hunter2', '[secret]') })
  const given = {
    path: '/x?hunter2',
    executable: 'hunter2',
    headers: { authorization: 'hunter2' },
    body: 'x',
  }
  it.journal.audit('info', 'with hunter2', given)
  expect(JSON.parse(it.text('audit.ndjson'))).toEqual({
    time: '2026-11-03T12:00:00.000Z',
    level: 'info',
    source: 'Audit',
    message: 'with [secret]',
    path: '/x?[secret]',
    executable: '[secret]',
  })
})

test('[threat.74] a full part is put away, and no more than so many are kept', async () => {
  using it = tempJournal()
  for (let n = 0; n < 200; n++) {
    it.clock.advance(1000)
    say(it.journal, `line ${n}`)
  }
  expect(it.files()).toEqual([`${ID}.1.ndjson`, `${ID}.2.ndjson`, `${ID}.ndjson`])
  for (const file of it.files()) expect(statSync(join(it.logs, file)).size).toBeLessThanOrEqual(2000)
  const lines = messages(await it.journal.read({ of: { server: ID }, limit: 1000 }))
  expect(lines.at(-1)).toBe('line 199')
  expect(lines).toEqual(Array.from({ length: lines.length }, (_, n) => `line ${200 - lines.length + n}`))
  expect(lines.length).toBeGreaterThan(30)
})

test('[threat.74] all logs together stay under the cap; the oldest parts go first, and what was audited stays', () => {
  using it = tempJournal({ bounds: { partBytes: 2000, parts: 5, totalBytes: 12_000 } })
  it.journal.audit('info', 'kept')
  const size = () => it.files().reduce((sum, file) => sum + statSync(join(it.logs, file)).size, 0)
  let largest = 0
  for (let n = 0; n < 400; n++) {
    it.clock.advance(1000)
    say(it.journal, `line ${n} ${'x'.repeat(50)}`, n < 100 ? ID : n % 2 ? OTHER : `${OTHER}-b`)
    largest = Math.max(largest, size())
  }
  expect(largest).toBeGreaterThan(9000)
  expect(largest).toBeLessThanOrEqual(12_000)
  expect(it.text('audit.ndjson')).toContain('kept')
  expect(it.text(`${OTHER}.ndjson`)).toContain('line 399')
  // The log nobody writes to any more has given its place away.
  expect(it.files().filter((file) => file.startsWith(`${ID}.`)).length).toBeLessThan(3)
})

test('[threat.74] folder and files are private from the first byte, and tightened when they were loosened', () => {
  using it = tempJournal()
  const before = process.umask(0)
  try {
    say(it.journal, 'x')
    expect([mode(it.logs), mode(join(it.logs, `${ID}.ndjson`))]).toEqual(['700', '600'])
    for (let n = 0; n < 40; n++) say(it.journal, 'x'.repeat(100))
    expect(it.files().map((file) => mode(join(it.logs, file)))).toEqual(it.files().map(() => '600'))
    it.journal[Symbol.dispose]()
    chmodSync(it.logs, 0o777)
    chmodSync(join(it.logs, `${ID}.ndjson`), 0o666)
    using again = it.open()
    say(again, 'y')
    expect([mode(it.logs), mode(join(it.logs, `${ID}.ndjson`))]).toEqual(['700', '600'])
  } finally {
    process.umask(before)
  }
})

test('[threat.74] no name leads out of the folder, and no link is followed', () => {
  using it = tempJournal()
  for (const id of ['../../x', 'a/b', '..', '', 'x\n\u001b[2J', '.ndjson', 'a.1']) say(it.journal, 'lost', id)
  say(it.journal, 'here')
  expect(it.files()).toEqual([`${ID}.ndjson`])
  const target = join(it.logs, '..', 'target')
  writeFileSync(target, 'mine')
  symlinkSync(target, join(it.logs, `${OTHER}.ndjson`))
  say(it.journal, 'through a link', OTHER)
  expect(readFileSync(target, 'utf8')).toBe('mine')
})

test('[threat.74] a flood is sampled, and how much is missing is told', async () => {
  using it = tempJournal({ bounds: { partBytes: 1_000_000, parts: 3, totalBytes: 5_000_000 } })
  for (let n = 0; n < 5000; n++) say(it.journal, `line ${n}`)
  it.clock.advance(1000)
  say(it.journal, 'after')
  const lines = await it.journal.read({ of: { server: ID }, limit: 10_000 })
  expect(lines).toHaveLength(502)
  expect(lines.at(-2)).toMatchObject({ message: '4500 lines left out: too many at once', missing: 4500 })
  expect(lines.at(-1)?.message).toBe('after')
})

test('[logs] a removed server takes its log along, and nothing is written of it afterwards', () => {
  using it = tempJournal()
  for (let n = 0; n < 40; n++) say(it.journal, 'x'.repeat(100))
  say(it.journal, 'other', OTHER)
  it.journal.remove(ID)
  say(it.journal, 'its process ended')
  expect(it.files()).toEqual([`${OTHER}.ndjson`])
  it.journal.gateway('info', 'x')
  it.journal.retain([])
  expect(it.files()).toEqual(['mcpmux.ndjson'])
})

test('[logs] what a crash cut off costs that line only, and a file that was deleted is made anew', async () => {
  using it = tempJournal()
  say(it.journal, 'whole')
  it.journal[Symbol.dispose]()
  const file = join(it.logs, `${ID}.ndjson`)
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"time":"2026-11-03T12:0`)
  using again = it.open()
  say(again, 'next')
  expect(messages(await again.read({ of: { server: ID }, limit: 9 }))).toEqual(['whole', 'next'])
  rmSync(it.logs, { recursive: true })
  say(again, 'anew')
  say(again, 'and more')
  expect(messages(await again.read({ of: { server: ID }, limit: 9 }))).toEqual(['anew', 'and more'])
})

test('[logs] lines are found by level, source, time and number, over all parts and all logs', async () => {
  using it = tempJournal({ bounds: { partBytes: 3000, parts: 5, totalBytes: 100_000 } })
  const levels = ['debug', 'info', 'warning', 'error'] as const
  for (let n = 0; n < 80; n++) {
    it.clock.advance(60_000)
    it.journal.server(n % 2 ? ID : OTHER, levels[n % 4] ?? 'info', n % 3 ? 'MCP' : 'Feature', `line ${n}`)
  }
  it.clock.advance(1)
  it.journal.gateway('info', 'own')
  const read = async (query: object) =>
    messages(await it.journal.read({ of: 'all', limit: 1000, ...query })).map((it) => it.replace('line ', ''))
  expect(await read({ limit: 3 })).toEqual(['78', '79', 'own'])
  expect(await read({ limit: 0 })).toEqual([])
  expect(await read({ level: 'error', limit: 2 })).toEqual(['75', '79'])
  expect(await read({ level: 'warning', limit: 3 })).toEqual(['75', '78', '79'])
  expect(await read({ source: 'Feature', limit: 2 })).toEqual(['75', '78'])
  expect(await read({ since: it.clock.now() - 120_001 })).toEqual(['77', '78', '79', 'own'])
  expect(await read({ of: { server: ID }, limit: 2 })).toEqual(['77', '79'])
  expect(await read({ of: 'app' })).toEqual(['own'])
  expect(await read({})).toHaveLength(81)
  const [last] = await it.journal.read({ of: { server: ID }, limit: 1 })
  expect(last?.server).toBe(ID)
})

test('[logs] lines of any length and character come back, wherever the blocks they are read in begin', async () => {
  using it = tempJournal({ bounds: { partBytes: 1_000_000, parts: 2, totalBytes: 3_000_000 } })
  const given = Array.from({ length: 200 }, (_, n) => `${n} ${'zażółć 🐝\n'.repeat((n * 37) % 300)}`)
  for (const text of given) say(it.journal, text)
  expect(messages(await it.journal.read({ of: { server: ID }, limit: 1000 }))).toEqual(given)
})

test('[logs] a live view gets what is there, then what comes, each line once', async () => {
  using it = tempJournal()
  say(it.journal, 'before')
  const stop = new AbortController()
  const seen: unknown[] = []
  const query = { of: { server: ID }, limit: 10, level: 'info' } as const
  for await (const news of it.journal.follow(query, stop.signal)) {
    seen.push(news.event === 'line' ? news.data.message : news)
    if (seen.length === 1) {
      say(it.journal, 'after')
      say(it.journal, 'of another', OTHER)
      it.journal.server(ID, 'debug', 'MCP', 'not wanted')
      say(it.journal, 'last')
    }
    if (seen.at(-1) === 'last') stop.abort()
  }
  expect(seen).toEqual(['before', 'after', 'last'])
})

test('[threat.74] a live view whose reader sleeps keeps a bounded number of lines, and says what it missed', async () => {
  using it = tempJournal()
  const stop = new AbortController()
  const view = it.journal.follow({ of: 'all', limit: 0 }, stop.signal)
  const first = view.next()
  say(it.journal, 'first')
  expect((await first).value).toMatchObject({ event: 'line', data: { message: 'first' } })
  for (let n = 0; n < 3000; n++) {
    it.clock.advance(1000)
    say(it.journal, `line ${n}`)
  }
  const missed = (await view.next()).value
  if (missed?.event !== 'missed') throw new Error(`got ${JSON.stringify(missed)}`)
  let kept = 0
  for (let last = ''; last !== 'line 2999'; kept++) {
    const news = (await view.next()).value
    last = news?.event === 'line' ? news.data.message : ''
  }
  expect(kept).toBeLessThanOrEqual(1000)
  expect(kept + missed.data.lines).toBe(3000)
  stop.abort()
  expect((await view.next()).done).toBe(true)
})
