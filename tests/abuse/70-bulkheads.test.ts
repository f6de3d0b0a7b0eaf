// One server that hangs, over stdio or HTTP, is a matter between it and its callers.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository, startDaemon, type Daemon } from '../support/daemon'
import { mcpHeaders } from '../support/raw-client'
import { everythingRemote, type RemoteServer } from '../support/reference-servers'
import { openCaller, scripted, textOf, type Caller } from '../support/scripted'

let daemon: Daemon
let web: RemoteServer
let hanging: ReturnType<typeof Bun.spawn>
let key: string
let caller: Caller
let other: Caller
let stuckCalls: () => Promise<number>

beforeAll(async () => {
  ;[daemon, web] = await Promise.all([startDaemon(), everythingRemote('streamableHttp')])
  const child = Bun.spawn([process.execPath, join(repository, 'tests/servers/hanging-http.ts')], {
    stdout: 'pipe',
  })
  hanging = child
  const first = await child.stdout.getReader().read()
  const port = new TextDecoder().decode(first.value).trim()
  stuckCalls = async () => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text())
  await daemon.ok('add', 'stuck', '--yes', '--url', `http://127.0.0.1:${port}/mcp`)
  await daemon.ok('add', 'web', '--yes', '--url', web.url)
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', join(daemon.home, 'local.log')))
  key = (await daemon.ok('key', 'create', 'one')).trim()
  caller = await openCaller(daemon, key)
  other = await openCaller(daemon, (await daemon.ok('key', 'create', 'two')).trim())
})
afterAll(async () => {
  hanging.kill('SIGKILL')
  await Promise.all([daemon[Symbol.asyncDispose](), web[Symbol.asyncDispose]()])
})

/** A call on a connection of its own: this process may only have 256 requests of `fetch` open. */
function hangOn(key: string, session: string, id: string) {
  const body = `{"jsonrpc":"2.0","id":"${id}","method":"tools/call","params":{"name":"stuck_hang"}}`
  const { host, port } = new URL(daemon.mcpUrl)
  const head = [
    'POST /mcp HTTP/1.1',
    `Host: ${host}`,
    `Authorization: Bearer ${key}`,
    `Mcp-Session-Id: ${session}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${body.length}`,
  ]
  return Bun.connect({
    hostname: '127.0.0.1',
    port: Number(port),
    socket: { open: (socket) => void socket.write(`${head.join('\r\n')}\r\n\r\n${body}`), data() {} },
  })
}

test('[threat.70] an HTTP server that hangs in 300 calls holds up neither another HTTP server nor the lists', async () => {
  await daemon.ok('config', 'set', 'limits.server_in_flight', '1000')
  const sockets = await Promise.all(Array.from({ length: 300 }, (_, i) => hangOn(key, caller.id, `h${i}`)))
  await eventually(stuckCalls, (count) => count === 300)
  expect(await other.names()).toContain('web_echo')
  expect(textOf(await other.call('web_echo', { message: 'free' }))).toBe('Echo: free')
  for (const socket of sockets) socket.end()
})

test('[threat.70] calls over the limit of one client are refused, and another client is served', async () => {
  await daemon.ok('config', 'set', 'limits.client_in_flight', '300')
  const refused = await caller.call('local_echo', { text: 'one too many' })
  expect(refused.error?.data?.code).toBe('upstream.busy')
  expect(textOf(await other.call('local_echo', { text: 'served' }))).toBe('served')
  await daemon.ok('config', 'set', 'limits.client_in_flight', '512')
})

test('[threat.70] a dropped connection is no cancellation in this era, a cancellation is one at once', async () => {
  const log = join(daemon.home, 'local.log')
  const heard = () => readFileSync(log, 'utf8')
  const dropped = new AbortController()
  const body = '{"jsonrpc":"2.0","id":"d","method":"tools/call","params":{"name":"local_hang"}}'
  const headers = { ...mcpHeaders(key), 'Mcp-Session-Id': caller.id }
  const gone = fetch(daemon.mcpUrl, { method: 'POST', headers, body, signal: dropped.signal }).catch(
    () => null,
  )
  await eventually(heard, (text) => text.includes('"name":"hang"'))
  dropped.abort()
  await gone
  expect(textOf(await other.call('local_echo', { text: 'later' }))).toBe('later')
  expect(heard()).not.toContain('notifications/cancelled')
  await caller.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"d"}}')
  await eventually(heard, (text) => text.includes('notifications/cancelled'))
})
