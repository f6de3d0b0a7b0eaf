// The record of who did what, through the real doors: what gets in, what never does, and how a person reads it.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { AuditPage, AuditView } from '../../gateway/admin/audit'
import { eventually, repository } from '../support/daemon'
import { callBody, openSession, sessionHeaders } from '../support/door'
import { mcpHeaders } from '../support/raw-client'
import { program, startSourceDaemon } from '../support/source-daemon'

const canary = 'canary-argument-91c4'
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let key = ''
let headers: Record<string, string> = {}

beforeAll(async () => {
  daemon = await startSourceDaemon()
  const server = join(repository, 'tests/servers/raw-stdio.ts')
  expect(
    (await daemon.cli(['add', 'local', '--era', 'legacy', '--yes', '--', process.execPath, server])).code,
  ).toBe(0)
  key = (await daemon.cli(['key', 'create', 'laptop'])).stdout.trim()
  headers = sessionHeaders(key, await openSession(daemon.mcpUrl, key))
})
afterAll(() => daemon[Symbol.asyncDispose]())

const post = async (name: string, more: Record<string, string> = {}) => {
  const params = JSON.stringify({ name, arguments: { text: canary } })
  const answer = await fetch(daemon.mcpUrl, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: callBody(1, 'tools/call', params),
  })
  return { status: answer.status, text: await answer.text() }
}
const read = async (query = ''): Promise<AuditView[]> =>
  ((await (await daemon.fetch(`/audit?limit=1000${query}`)).json()) as AuditPage).entries.reverse()
const actions = async (query = '') => (await read(query)).map(({ action }) => action)

test('[audit] setting up is on record, with the program that did it', async () => {
  const entries = await read()
  expect(entries.map(({ action }) => action)).toEqual([
    'gateway.started',
    'server.added',
    'consent.given',
    'server.spawned',
    'client.created',
    'key.created',
  ])
  const [, added] = entries
  expect(added).toMatchObject({
    subject: 'local',
    server: 'local',
    actor: { via: 'socket', executable: program[0], pid: expect.any(Number) },
    detail: { type: 'stdio' },
  })
  expect(entries.at(-1)).toMatchObject({ client: 'laptop', subject: `laptop …${key.slice(-4)}` })
})

test('[audit] [threat.17] refused calls are counted for each client and name, and what they carried is not there', async () => {
  for (let n = 0; n < 3; n++) await post('local_nothing')
  await post('other')
  const refused = await read('&action=call.refused')
  expect(refused.map(({ subject, count, by }) => [subject, count, by])).toEqual([
    ['local_nothing', 3, 'laptop'],
    ['other', 1, 'laptop'],
  ])
  const answer = await fetch(daemon.mcpUrl, {
    method: 'POST',
    headers,
    body: callBody(2, 'resources/read', JSON.stringify({ uri: `https://u:${canary}@h/p?q=${canary}` })),
  })
  await answer.text()
  const last = (await read('&action=call.refused')).at(-1)
  expect([last?.subject, last?.detail]).toEqual(['https://h/p', { method: 'resources/read' }])
})

test('[audit] keys that do not count and foreign pages are on record, whatever they said', async () => {
  const revoked = (await daemon.cli(['key', 'create', 'phone'])).stdout.trim()
  await daemon.cli(['key', 'revoke', 'phone'])
  for (const credential of [revoked, revoked, `mcp_${canary}`]) {
    const answer = await fetch(daemon.mcpUrl, { method: 'POST', headers: mcpHeaders(credential), body: '{}' })
    expect(answer.status).toBe(401)
  }
  expect((await post('x', { origin: 'http://evil.example' })).status).toBe(403)
  const failed = await read('&action=auth.failed')
  expect(failed.map(({ subject, count, by }) => [subject, count, by])).toEqual([
    ['revoked', 2, 'phone'],
    ['malformed', 1, 'McpMux'],
  ])
  expect(await read('&action=request.refused')).toMatchObject([
    { subject: 'http://evil.example', detail: { code: 'http.bad_origin' } },
  ])
})

test('[audit] a change that fails leaves no entry, and each that succeeds leaves one', async () => {
  const before = (await read()).length
  await daemon.cli(['key', 'revoke', 'nobody'])
  await daemon.cli(['config', 'set', 'limits.requests', 'many'])
  await daemon.cli(['space', 'create', 'Default'])
  expect((await read()).length).toBe(before)
  await daemon.cli(['config', 'set', 'limits.requests', '100'])
  await daemon.cli(['space', 'create', 'Work'])
  await daemon.cli(['space', 'use', 'Work'])
  await daemon.cli(['space', 'use', 'Default'])
  const news = (await read()).slice(before)
  expect(news.map(({ action, subject, detail }) => [action, subject, detail])).toEqual([
    ['setting.changed', 'limits.requests', { value: 100 }],
    ['space.created', 'Work', undefined],
    ['space.used', 'Work', undefined],
    ['space.used', 'Default', undefined],
  ])
})

test('[audit] [cli] the command prints it, the newest last, and finds by action, client, Space and server', async () => {
  const lines = async (...args: string[]) => {
    const { code, stdout } = await daemon.cli(['audit', ...args])
    expect(code).toBe(0)
    return stdout.trimEnd().split('\n')
  }
  const keys = await lines('--action', 'key.*', '--client', 'laptop', '--since', '1h')
  expect(keys.length).toBe(1)
  expect(keys[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ key\.created {7}laptop …\w{4} by \S+ \(\d+\)$/)
  expect(keys[0]).toContain(` by ${program[0]} (`)
  expect((await lines('--space', 'Work'))[0]).toContain('space.created')
  expect((await lines('--server', 'local')).map((line) => line.split(/ +/)[1])).toEqual([
    'server.added',
    'consent.given',
    'server.spawned',
  ])
  const [json = ''] = await lines('--json', '-n', '1')
  expect(JSON.parse(json)).toMatchObject({ seq: expect.any(Number), action: 'space.used' })
  expect(await lines('-n', '2')).toHaveLength(2)
  const none = await daemon.cli(['audit', '--action', 'pins.*'])
  expect([none.code, none.stdout, none.stderr]).toEqual([0, '', 'no entries\n'])
  for (const wrong of [['--since', 'x'], ['-n', '0'], ['one'], ['check', 'one'], ['--action', "x'y"]])
    expect([wrong, (await daemon.cli(['audit', ...wrong])).code]).toEqual([wrong, 2])
  expect((await daemon.cli(['audit', '--server', 'nothere'])).stderr).toContain('server.unknown')
})

test('[audit] [cli] following prints what comes, and nothing twice', async () => {
  const child = Bun.spawn([...program, 'audit', '-f', '-n', '1', '--json'], {
    env: { ...process.env, MCPMUX_HOME: daemon.dataDir, XDG_RUNTIME_DIR: daemon.home },
    stdout: 'pipe',
    stderr: 'ignore',
  })
  let seen = ''
  const reading = (async () => {
    for await (const chunk of child.stdout) seen += new TextDecoder().decode(chunk)
  })()
  await eventually(
    () => seen,
    (text) => text.includes('\n'),
  )
  await daemon.fetch('/settings/limits.requests', { method: 'DELETE', body: '{}' })
  const lines = await eventually(
    () => seen.trimEnd().split('\n'),
    (all) => all.length === 2,
  )
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ action: 'setting.changed', detail: { reset: true } })
  child.kill()
  await child.exited
  await reading
})

test('[audit] pages follow each other without a gap', async () => {
  const all = await read()
  const seen: number[] = []
  for (let before = ''; ; ) {
    const page = (await (await daemon.fetch(`/audit?limit=7${before}`)).json()) as AuditPage
    seen.push(...page.entries.map(({ seq }) => seq))
    if (page.next === null) break
    before = `&before=${page.next}`
  }
  expect(seen).toEqual(all.map(({ seq }) => seq).reverse())
})

test('[audit] [threat.73] nothing that was said is in it, and it is whole', async () => {
  const text = JSON.stringify(await read())
  expect([text.includes(canary), text.includes(key)]).toEqual([false, false])
  expect(await actions('&action=call.made')).toEqual([])
  const { code, stdout } = await daemon.cli(['audit', 'check'])
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^whole: \d+ entries, nothing missing or changed\n$/),
  ])
})
