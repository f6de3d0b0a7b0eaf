// Which era a server speaks: found out with real processes and addresses, without breaking them, and remembered.
import { afterEach, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EraVerdict } from '../../gateway/domain/era'
import { eventually, repository } from '../support/daemon'
import { openEra } from '../support/era-connection'
import { rejection } from '../support/remote-leg'
import { alive } from '../support/scripted'
import { startSdkHttp } from '../servers/sdk-http'
import { startEraHttp } from '../support/era-http'

const file = (name: string) => join(repository, 'tests/servers', name)
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** The command line of an era-stdio server, and what it was sent. */
function server(mode: string) {
  const folder = mkdtempSync(join(tmpdir(), 'mux-temper-'))
  folders.push(folder)
  const log = join(folder, 'log')
  const lines = () => readFileSync(log, 'utf8').trim().split('\n')
  return {
    log,
    command: [process.execPath, file('era-stdio.ts'), mode, log],
    /** Process ids in the order they started. */
    pids: () => lines().flatMap((line) => (line.endsWith(' started') ? [Number(line.split(' ')[0])] : [])),
    methods: (pid: number) =>
      lines().flatMap((line) =>
        line.startsWith(`${pid} {`)
          ? [(JSON.parse(line.slice(line.indexOf('{'))) as { method: string }).method]
          : [],
      ),
  }
}
const sdk = (...args: string[]) => [process.execPath, file('sdk-eras.ts'), ...args]
const legacyVerdict = (patch: Partial<EraVerdict> = {}): EraVerdict => ({
  era: 'legacy',
  foundAt: Date.now(),
  serverInfo: '{"name":"era","version":"1"}',
  ...patch,
})

for (const mode of ['exits', 'hangs'])
  test(`[mcp.era] a server that ${mode} when asked before initialize is of the older era and unharmed`, async () => {
    const { command, pids, methods } = server(mode)
    await using opened = await openEra(command)
    expect([opened.connection.era, opened.connection.ended]).toEqual(['legacy', null])
    expect(opened.verdict()).toMatchObject({ era: 'legacy', serverInfo: '{"name":"era","version":"1"}' })
    const [first = 0, second = 0, ...more] = pids()
    expect(more).toEqual([])
    expect(methods(first)).toEqual(['initialize', 'notifications/initialized', 'ping'])
    expect(methods(second)[0]).toBe('server/discover')
    await eventually(
      () => alive(second),
      (running) => !running,
    )
    expect(alive(first)).toBe(true)
    expect(
      await opened.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pid"}}'),
    ).toContain(String(first))
  })

test('[mcp.era] a server of which two do not get along is started again, alone', async () => {
  const { command, pids, methods } = server('alone')
  await using opened = await openEra(command)
  expect([opened.connection.era, opened.connection.ended]).toEqual(['legacy', null])
  expect(pids()).toHaveLength(3)
  expect(methods(pids()[2] ?? 0)[0]).toBe('initialize')
})

test('[mcp.era] a server of both eras is spoken to in the newer one, and one process is left of it', async () => {
  await using opened = await openEra(sdk('stdio', 'both'))
  expect([opened.connection.era, opened.connection.handshake.protocolVersion]).toEqual([
    'modern',
    '2026-07-28',
  ])
  expect(opened.connection.handshake).toMatchObject({ instructions: 'Both eras.' })
  expect(JSON.parse(opened.connection.handshake.serverInfo)).toEqual({ name: 'eras', version: '1.0.0' })
  expect(opened.connection.hasCapability('prompts')).toBe(true)
  expect(opened.heard).toEqual([])
})

test('[mcp.era] a server of the newer era alone is asked in place, and started once', async () => {
  const { command, pids, methods } = server('raw')
  await using opened = await openEra(command)
  expect(opened.connection.era).toBe('modern')
  expect(pids()).toHaveLength(1)
  expect(methods(pids()[0] ?? 0)).toEqual(['initialize', 'server/discover'])
})

test('[mcp.era] what is remembered is spoken at once, by one process', async () => {
  const older = server('exits')
  await using first = await openEra(older.command, { verdict: legacyVerdict() })
  expect([first.connection.era, older.pids().length]).toEqual(['legacy', 1])
  const newer = server('raw')
  await using second = await openEra(newer.command, { verdict: legacyVerdict({ era: 'modern', foundAt: 1 }) })
  expect(second.connection.era).toBe('modern')
  expect(newer.methods(newer.pids()[0] ?? 0)).toEqual(['server/discover'])
})

test('[mcp.era] a verdict for the older era is found again after a week, and when the clock was set back', async () => {
  for (const foundAt of [Date.now() - 8 * 86_400_000, Date.now() + 86_400_000]) {
    const { command, pids } = server('exits')
    await using opened = await openEra(command, { verdict: legacyVerdict({ foundAt }) })
    expect([opened.connection.era, pids().length]).toEqual(['legacy', 2])
    expect(Math.abs((opened.verdict()?.foundAt ?? 0) - Date.now())).toBeLessThan(60_000)
  }
})

test('[mcp.era] a server that names another version of itself is asked again at its next start', async () => {
  const { command, log } = server('exits')
  writeFileSync(`${log}.version`, '2')
  await using opened = await openEra(command, { verdict: legacyVerdict() })
  expect([opened.connection.era, opened.verdict()]).toEqual(['legacy', null])
})

test('[mcp.era] a server that left the era it is remembered for is found out in the same start', async () => {
  for (const [was, is] of [
    ['legacy', 'raw'],
    ['modern', 'older'],
  ] as const) {
    const { command, log } = server('turning')
    writeFileSync(`${log}.mode`, is)
    await using opened = await openEra(command, { verdict: legacyVerdict({ era: was }) })
    expect(opened.connection.era).not.toBe(was)
    expect(opened.verdict()?.era).toBe(opened.connection.era)
  }
})

test('[mcp.era] a start that fails for another reason keeps what is remembered; one that may be due to it does not', async () => {
  let forgotten = 0
  const onForget = () => void forgotten++
  const verdict = legacyVerdict({ era: 'modern' })
  const spawned = await rejection(openEra(['/nowhere/at-all'], { verdict, onForget }))
  const reached = await rejection(openEra('http://127.0.0.1:1/mcp', { verdict, onForget }))
  expect([spawned.code, reached.code, forgotten]).toEqual(['upstream.spawn_failed', 'upstream.lost', 0])
  const { command, log, pids } = server('turning')
  writeFileSync(`${log}.mode`, 'exits')
  const died = await rejection(openEra(command, { verdict, onForget }))
  expect([died.code, pids().length, forgotten]).toEqual(['upstream.lost', 1, 1])
})

test('[mcp.era] a person decides for every server but those of SSE', async () => {
  await using older = await openEra(sdk('stdio', 'both'), { era: 'legacy' })
  expect([older.connection.era, older.verdict()]).toEqual(['legacy', null])
  const newer = await rejection(openEra(server('exits').command, { era: 'modern' }))
  expect(newer.code).toBe('upstream.lost')
  await using newest = await openEra(sdk('stdio', 'both'), { era: 'modern' })
  expect(newest.connection.era).toBe('modern')
})

for (const eras of ['both', 'modern'] as const)
  test(`[mcp.era] over HTTP, a server of ${eras === 'both' ? 'both eras' : 'the newer era'} is asked first and needs no session`, async () => {
    await using http = await startEraHttp('sdk-eras.ts', eras)
    await using opened = await openEra(http.url)
    expect([opened.connection.era, opened.verdict()?.era]).toEqual(['modern', 'modern'])
  })

for (const line of ['v1', 'v2'] as const)
  test(`[mcp.era] over HTTP, a server of the older era (SDK ${line}) gets its initialize at the same address`, async () => {
    await using http = startSdkHttp(line)
    await using opened = await openEra(http.url)
    expect([opened.connection.era, http.sessions()]).toEqual(['legacy', 1])
    await using again = await openEra(http.url, { verdict: opened.verdict() })
    expect(again.connection.era).toBe('legacy')
  })

/** An address that answers anything but what it knows in its own way. */
function address(answer: (method: string, id: number) => Response | Promise<Response>) {
  const asked: string[] = []
  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const { method, id } = (await request.json()) as { method: string; id: number }
      asked.push(method)
      return answer(method, id)
    },
  })
  return { url: `${http.url}mcp`, asked, [Symbol.asyncDispose]: () => http.stop(true) }
}
const hello = (id: number) =>
  Response.json({
    jsonrpc: '2.0',
    id,
    result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'o', version: '1' } },
  })
const refusal = (id: number, status: number, code: number, data?: object) =>
  Response.json({ jsonrpc: '2.0', id, error: { code, message: 'no', data } }, { status })

const older: Record<string, (id: number) => Response | Promise<Response>> = {
  'a plain 404': () => new Response('nothing here', { status: 404 }),
  'an empty 400': () => new Response(null, { status: 400 }),
  'a 500': () => new Response('broken', { status: 500 }),
  'a page': () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
  'the error of a missing session': (id) => refusal(id, 400, -32000),
  'a version error that names older revisions': (id) =>
    refusal(id, 400, -32022, { supported: ['2025-11-25'] }),
  'a result without versions': (id) => Response.json({ jsonrpc: '2.0', id, result: {} }),
  'a result of older versions': (id) =>
    Response.json({ jsonrpc: '2.0', id, result: { supportedVersions: ['2025-11-25'] } }),
}
for (const [what, answer] of Object.entries(older))
  test(`[mcp.era] over HTTP, ${what} where server/discover is asked means the older era`, async () => {
    await using http = address((method, id) =>
      method === 'initialize'
        ? hello(id)
        : method === 'server/discover'
          ? answer(id)
          : new Response(null, { status: 202 }),
    )
    await using opened = await openEra(http.url)
    expect(opened.connection.era).toBe('legacy')
    expect(http.asked.slice(0, 2)).toEqual(['server/discover', 'initialize'])
  })

test('[mcp.era] over HTTP, errors only the newer era has mean the newer era', async () => {
  for (const code of [-32020, -32021]) {
    await using http = address((_method, id) => refusal(id, 400, code))
    await using opened = await openEra(http.url)
    expect([opened.connection.era, http.asked]).toEqual(['modern', ['server/discover']])
  }
})

for (const era of ['auto', 'modern'] as const)
  test(`[mcp.era] over HTTP, a version that is refused and named in one is offered once more (${era})`, async () => {
    let refusals = 1
    await using http = address((_method, id) =>
      refusals-- > 0
        ? refusal(id, 400, -32022, { supported: ['2027-01-01', '2026-07-28'] })
        : Response.json({
            jsonrpc: '2.0',
            id,
            result: { supportedVersions: ['2026-07-28'], capabilities: {} },
          }),
    )
    await using opened = await openEra(http.url, { era })
    expect([opened.connection.era, http.asked]).toEqual(['modern', ['server/discover', 'server/discover']])
  })

test('[mcp.era] over HTTP, a version that is refused and named again and again is not offered for ever', async () => {
  await using http = address((_method, id) => refusal(id, 400, -32022, { supported: ['2026-07-28'] }))
  expect((await rejection(openEra(http.url, { era: 'modern' }))).code).toBe('upstream.garbage')
  expect(http.asked).toEqual(['server/discover', 'server/discover'])
})

test('[mcp.era] over HTTP, a refused credential says nothing of an era', async () => {
  await using http = address(() => new Response(null, { status: 401 }))
  expect((await rejection(openEra(http.url))).code).toBe('upstream.credentials_refused')
  expect(http.asked).toEqual(['server/discover'])
})

test('[mcp.era] one that is said to speak the newer era needs no server/discover', async () => {
  await using http = address((method, id) =>
    method === 'tools/list'
      ? Response.json({ jsonrpc: '2.0', id, result: { tools: [] } })
      : refusal(id, 404, -32601),
  )
  await using opened = await openEra(http.url, { era: 'modern' })
  expect([opened.connection.era, opened.connection.hasCapability('tools')]).toEqual(['modern', true])
})
