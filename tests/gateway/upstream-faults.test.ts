// What happens to callers, to other servers and to the gateway itself when a server hangs, dies or never stops talking.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, startDaemon, type Daemon } from '../support/daemon'
import { startResettingHttp } from '../servers/resetting-http'
import { mcpHeaders } from '../support/raw-client'
import { alive, openCaller, scripted, textOf, type Caller } from '../support/scripted'
import { startKeyring } from '../support/keyring'
import { startSourceDaemon, tempHome, type SourceDaemon } from '../support/source-daemon'

let daemon: Daemon
let key: string
let caller: Caller

beforeAll(async () => {
  daemon = await startDaemon()
  key = (await daemon.ok('key', 'create', 'tester')).trim()
  caller = await openCaller(daemon, key)
})
afterAll(() => daemon[Symbol.asyncDispose]())

const within = <T>(ms: number, work: Promise<T>): Promise<T | 'late'> =>
  Promise.race([work, Bun.sleep(ms).then(() => 'late' as const)])
const linesOf = (log: string, method: string): number =>
  existsSync(log)
    ? readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(`${method} `)).length
    : 0
/** Reads an event stream in the background. */
function readSse(response: Response) {
  const reader = response.body?.getReader()
  if (!reader) throw new Error(`no stream: ${response.status}`)
  let text = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for (let next = await reader.read(); !next.done; next = await reader.read())
      text += decoder.decode(next.value, { stream: true })
  })().catch(() => undefined)
  return {
    until: (holds: (text: string) => boolean) => eventually(() => text, holds),
    async close() {
      await reader.cancel()
      await reading
    },
  }
}
const statusOf = async (from: Daemon, name: string): Promise<string> =>
  (JSON.parse(await from.ok('show', name, '--json')) as { state: { status: string } }).state.status

test('[limits] a server that never answers initialize fails at its time-out, with a code', async () => {
  await daemon.ok('config', 'set', 'timeouts.initialize', '500')
  const added = await within(50_000, daemon.cli('add', 'mute', '--yes', '--', ...scripted('hangs-at-start')))
  await daemon.ok('config', 'set', 'timeouts.initialize', '60000')
  if (added === 'late') throw new Error('it is still waited for')
  expect(added.code).not.toBe(0)
  expect(added.stdout + added.stderr).toContain('upstream.timeout')
  await daemon.ok('remove', 'mute', '--yes')
})

test('[process] servers that hang at their start hold up neither another start, nor being disabled, nor the end', async () => {
  const own = await startDaemon()
  try {
    const adding = [1, 2, 3, 4].map((n) =>
      own.cli('add', `hang${n}`, '--yes', '--', ...scripted('hangs-at-start')),
    )
    for (const n of [1, 2, 3, 4])
      await eventually(
        async () =>
          (await own.cli('list', '--json')).stdout.includes(`hang${n}`) && statusOf(own, `hang${n}`),
        (status) => status === 'connecting',
      )
    const added = await within(50_000, own.cli('add', 'fine', '--yes', '--', ...scripted('plain')))
    expect(added).toMatchObject({ code: 0 })
    expect(await within(50_000, own.cli('disable', 'hang1'))).toMatchObject({ code: 0 })
    expect(await statusOf(own, 'hang1')).toBe('disabled')
    own.kill('SIGTERM')
    expect(await within(50_000, own.exited)).toBe(0)
    await Promise.all(adding)
  } finally {
    await own[Symbol.asyncDispose]()
  }
})

test('[process] a call from the command line that is under way gets its answer when the gateway stops', async () => {
  await using own = await startDaemon()
  const log = join(own.home, 'slow.log')
  await own.ok('add', 'slow', '--yes', '--', ...scripted('plain', log))
  const call = own.cli('call', 'slow/slow', '{"ms":2000}')
  await eventually(
    () => linesOf(log, 'tools/call'),
    (count) => count === 1,
  )
  own.kill('SIGTERM')
  const { code, stdout } = await call
  expect(stdout).toContain('slept')
  expect(code).toBe(0)
  expect(await own.exited).toBe(0)
})

test('[process] a call from the command line that takes too long is told so when the gateway stops', async () => {
  await using own = await startDaemon()
  const log = join(own.home, 'hang.log')
  await own.ok('add', 'slow', '--yes', '--', ...scripted('plain', log))
  const call = own.cli('call', 'slow/hang')
  await eventually(
    () => linesOf(log, 'tools/call'),
    (count) => count === 1,
  )
  own.kill('SIGTERM')
  const { code, stderr } = await call
  expect(code).not.toBe(0)
  expect(stderr).not.toContain('daemon.absent')
  expect(await within(50_000, own.exited)).toBe(0)
})

test('[mcp.list-changed] a server that answers every list with list_changed is not read without end', async () => {
  const log = join(daemon.home, 'storm.log')
  await daemon.ok('add', 'storm', '--yes', '--', ...scripted('list-storm', log))
  await eventually(
    () => linesOf(log, 'tools/list'),
    (count) => count >= 2,
  )
  const before = linesOf(log, 'tools/list')
  await Bun.sleep(3000)
  expect(linesOf(log, 'tools/list') - before).toBeLessThan(6)
  expect(textOf(await caller.call('storm_echo', { text: 'calm' }))).toBe('calm')
  await daemon.ok('remove', 'storm', '--yes')
})

test('[gw.transparent] adding a server reads its lists once', async () => {
  const log = join(daemon.home, 'once.log')
  await daemon.ok('add', 'once', '--yes', '--', ...scripted('plain', log))
  expect(linesOf(log, 'tools/list')).toBe(1)
})

test('[faults] a call that killed its server is not sent again, and the very next call finds a new one', async () => {
  const log = join(daemon.home, 'dies.log')
  await daemon.ok('add', 'dies', '--yes', '--', ...scripted('plain', log))
  expect((await caller.call('dies_die')).error?.data?.code).toBe('upstream.lost')
  expect(textOf(await caller.call('dies_echo', { text: 'again' }))).toBe('again')
  expect(linesOf(log, 'tools/call')).toBe(2)
})

test('[faults] a call is sent once when the connection breaks, before or in the middle of the answer', async () => {
  await using web = startResettingHttp()
  await daemon.ok('add', 'web', '--yes', '--url', web.url)
  for (const tool of ['reset', 'half', 'half-stream', 'error-500']) {
    const { error } = await caller.call(`web_${tool}`)
    expect([tool, error?.data?.code]).toEqual([
      tool,
      tool === 'error-500' ? 'upstream.http_error' : 'upstream.lost',
    ])
    expect(web.calls(tool)).toBe(1)
  }
})

test('[faults] a call is sent again, once, when the session it named is gone', async () => {
  await using web = startResettingHttp()
  await daemon.ok('add', 'gone', '--yes', '--url', web.url)
  expect(textOf(await caller.call('gone_first-404'))).toBe('done')
  expect(web.calls('first-404')).toBe(2)
  const always = await caller.call('gone_always-404')
  expect(always.error?.data?.code).toStartWith('upstream.')
  expect(web.calls('always-404')).toBe(2)
})

test('[mcp.resources] a session that comes back after a restart is subscribed again, and told to read again', async () => {
  await using keyring = await startKeyring()
  const home = mkdtempSync(join(tmpdir(), 'mux-subs-'))
  const log = join(home, 'subs.log')
  const first = await startDaemon({ home, env: keyring.env })
  await first.ok('add', 'res', '--yes', '--', ...scripted('resources', log))
  const own = (await first.ok('key', 'create', 'tester')).trim()
  const before = await openCaller(first, own)
  expect((await before.request('resources/subscribe', { uri: 'test://a' })).result).toEqual({})
  await first[Symbol.asyncDispose]()
  const second = await startDaemon({ home, env: keyring.env })
  try {
    const heard = linesOf(log, 'resources/subscribe')
    const headers = { ...mcpHeaders(own), 'Mcp-Session-Id': before.id }
    const stream = await fetch(second.mcpUrl, { headers: { ...headers, Accept: 'text/event-stream' } })
    const events = readSse(stream)
    await events.until((text) => text.includes('notifications/resources/updated'))
    expect(linesOf(log, 'resources/subscribe')).toBe(heard + 1)
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'res_touch' } }
    await (await fetch(second.mcpUrl, { method: 'POST', headers, body: JSON.stringify(call) })).text()
    await events.until((text) => text.split('notifications/resources/updated').length === 3)
    await events.close()
    const end = { jsonrpc: '2.0', id: 2, method: 'resources/unsubscribe', params: { uri: 'test://a' } }
    await (await fetch(second.mcpUrl, { method: 'POST', headers, body: JSON.stringify(end) })).text()
    await eventually(
      () => linesOf(log, 'resources/unsubscribe'),
      (count) => count >= 1,
    )
  } finally {
    await second[Symbol.asyncDispose]()
    rmSync(home, { recursive: true, force: true })
  }
})

test('[process] a server is removed at once while its lists are being read, and leaves nothing behind', async () => {
  const log = join(daemon.home, 'reading.log')
  const adding = daemon.cli('add', 'reading', '--yes', '--', ...scripted('list-hangs', log))
  await eventually(
    () => linesOf(log, 'tools/list'),
    (count) => count === 1,
  )
  expect(await statusOf(daemon, 'reading')).toBe('connecting')
  expect(await within(12_000, daemon.cli('remove', 'reading', '--yes'))).toMatchObject({ code: 0 })
  expect(await within(12_000, adding)).not.toBe('late')
  expect(await daemon.ok('list', '--json')).not.toContain('reading')
})

/** A server called `own` of a daemon of its own, reached over the control socket. */
async function ownServer(source: SourceDaemon, ...options: string[]) {
  const added = await source.cli(['add', 'own', '--yes', ...options, '--', ...scripted('plain')], {
    env: { API_TOKEN: 'first-value' },
  })
  expect(added).toMatchObject({ code: 0 })
  const send = async (method: string, path: string, body: object) => {
    const { id } = JSON.parse((await source.cli(['show', 'own', '--json'])).stdout) as { id: string }
    const response = await source.fetch(`/servers/${id}${path}`, { method, body: JSON.stringify(body) })
    expect([path, response.status]).toEqual([path, 200])
  }
  const pid = async () => {
    const { stdout } = await source.cli(['call', 'own/pid'])
    return Number((JSON.parse(stdout) as { content: { text: string }[] }).content[0]?.text)
  }
  return { send, pid }
}

test('[process] a changed secret reaches a server that runs, a changed name leaves it alone', async () => {
  await using keyring = await startKeyring()
  await using source = await startSourceDaemon(keyring.env)
  const { send, pid } = await ownServer(source, '--env', 'API_TOKEN')
  const first = await pid()
  await send('PATCH', '', { alias: 'renamed' })
  expect(await pid()).toBe(first)
  await send('PUT', '/values', { values: [{ id: 'API_TOKEN', value: 'second-value' }] })
  const second = await pid()
  expect(second).not.toBe(first)
  expect(readFileSync(`/proc/${second}/environ`, 'utf8')).toContain('API_TOKEN=second-value')
})

test('[process] a server that is to keep running is started again each time it dies, without being called', async () => {
  await using source = await startSourceDaemon()
  const { send, pid } = await ownServer(source)
  await send('PATCH', '', { keepRunning: true })
  let before = await pid()
  for (let n = 0; n < 3; n++) {
    process.kill(before, 'SIGKILL')
    await eventually(
      async () => (await source.cli(['show', 'own', '--json'])).stdout,
      (text) => /"status": ?"ready"/.test(text) && !alive(before),
    )
    const after = await pid()
    expect(after).not.toBe(before)
    before = after
  }
})

test('[cli] the terminal shows what becomes of servers, and with --verbose every line about them', async () => {
  for (const verbose of [false, true]) {
    await using source = await startSourceDaemon({}, tempHome(), verbose ? ['--verbose'] : [])
    await source.cli(['add', 'odd', '--yes', '--', ...scripted('bad-entries')])
    await source.cli(['add', 'doomed', '--yes', '--', ...scripted('dies-at-start')])
    await eventually(source.log, (text) => /doomed: .*\(upstream\.lost\)/.test(text))
    expect(source.log()).toContain('odd: connected\n')
    expect(source.log().includes('an entry was left out')).toBe(verbose)
  }
})

test('[faults] a program that ends before it is spoken to is reported with its exit code and its last words', async () => {
  const { code, stderr } = await daemon.cli(
    'add',
    'brief',
    '--yes',
    '--',
    '/bin/sh',
    '-c',
    'echo boom >&2; exit 7',
  )
  expect(code).toBe(1)
  expect(stderr).toContain('ended with code 7')
  expect(stderr).toContain('boom')
  await daemon.ok('remove', 'brief', '--yes')
})
