// What clients of both SDK lines see of a gateway that is killed and comes back.
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Daemon, eventually, repository, startDaemon } from '../support/daemon'
import { bytesIn, filesBelow } from '../support/files'
import { forgedTokens } from '../support/forged-tokens'
import { startKeyring } from '../support/keyring'
import { mcpHeaders, openRawSession } from '../support/raw-client'

const info = { name: 'survivor', version: '1' }

const callTool = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"edges_tool-20"}}'
const sessionKey = async (daemon: Daemon) =>
  (JSON.parse(await daemon.ok('status', '--json')) as { sessionKey: unknown }).sessionKey

test('[mcp.lifecycle] [sessions.jwt] after a crash sessions go on, and a call that was open ends with an error that says so', async () => {
  await using keyring = await startKeyring()
  const home = mkdtempSync(join(tmpdir(), 'mux-crash-'))
  const before = await startDaemon({ home, env: keyring.env })
  const program = join(repository, 'tests/servers/edges-stdio.ts')
  await before.ok('add', 'edges', '--yes', '--', process.execPath, program)
  const key = (await before.ok('key', 'create', 'survivor')).trim()
  const url = new URL(before.mcpUrl)
  const requestInit = { headers: { Authorization: `Bearer ${key}` } }
  const v1 = new ClientV1(info)
  const transports = [new HttpV1(url, { requestInit }), new HttpV2(url, { requestInit })] as const
  await v1.connect(transports[0])
  const v2 = new ClientV2(info)
  await v2.connect(transports[1])
  const ids = transports.map(({ sessionId }) => sessionId)
  expect(await sessionKey(before)).toEqual({
    in: 'vault',
    what: expect.stringContaining('survive'),
    todo: null,
  })
  try {
    let steps = 0
    const options = { onprogress: () => void (steps += 1), timeout: 60_000 }
    const call = { name: 'edges_late', arguments: { count: 1, ms: 600_000 } }
    const failures = [v1.callTool(call, undefined, options), v2.callTool(call, options)].map((open) =>
      open.then(
        () => 'answered',
        (error: unknown) => String(error),
      ),
    )
    await eventually(
      () => steps,
      (many) => many === 2,
    )
    before.kill('SIGKILL')
    await before.exited
    await using after = await startDaemon({
      home,
      dataDir: before.dataDir,
      args: ['--port', url.port],
      env: keyring.env,
    })
    expect(after.mcpUrl).toBe(before.mcpUrl)
    for (const failure of await Promise.all(failures)) expect(failure).toContain('cannot be resumed')
    for (const client of [v1, v2])
      expect((await client.callTool({ name: 'edges_tool-20' })).content).toMatchObject([
        { text: 'called tool-20' },
      ])
    // Neither initialized again.
    expect(transports.map(({ sessionId }) => sessionId)).toEqual(ids)
  } finally {
    await Promise.all([v1.close(), v2.close()])
    rmSync(home, { recursive: true, force: true })
  }
}, 90_000)

test('[sessions.jwt] without a keychain status says that sessions end with the process, and so they do', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mux-crash-'))
  const before = await startDaemon({ home })
  const program = join(repository, 'tests/servers/edges-stdio.ts')
  await before.ok('add', 'edges', '--yes', '--', process.execPath, program)
  const key = (await before.ok('key', 'create', 'survivor')).trim()
  try {
    expect(await before.ok('status')).toContain('sessions end when McpMux does: their key is in memory alone')
    expect(await sessionKey(before)).toMatchObject({
      in: 'memory',
      todo: expect.stringContaining('mcpmux vault status'),
    })
    const session = await openRawSession(before.mcpUrl, key)
    before.kill('SIGKILL')
    await before.exited
    await using after = await startDaemon({ home, dataDir: before.dataDir })
    const ask = async (id: string) => {
      const headers = { ...mcpHeaders(key), 'Mcp-Session-Id': id }
      const reply = await fetch(after.mcpUrl, { method: 'POST', headers, body: callTool })
      return { status: reply.status, text: await reply.text() }
    }
    const lost = await ask(session.id)
    expect([lost.status, lost.text]).toEqual([404, expect.stringContaining('"session.unknown"')])
    expect(lost).toEqual(await ask('never-was'))
    // What a client does then: it initializes again (MCP 2025-11-25, Session Management).
    const again = await openRawSession(after.mcpUrl, key)
    expect(again.id).not.toBe(session.id)
    expect((await again.post(callTool)).message).toContain('called tool-20')
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}, 90_000)

test('[sessions.jwt] [threat.73] of session ids, ours and forged ones, nothing is written down', async () => {
  await using keyring = await startKeyring()
  await using daemon = await startDaemon({ env: keyring.env })
  const key = (await daemon.ok('key', 'create', 'one')).trim()
  const session = await openRawSession(daemon.mcpUrl, key)
  const tokens = [session.id, ...Object.values(await forgedTokens(new Uint8Array(32), 'one', 'two'))]
  const statuses = new Set<number>()
  for (const token of tokens.slice(1)) {
    const named = { ...mcpHeaders(key), 'Mcp-Session-Id': token }
    const carried = { ...mcpHeaders(token), 'Mcp-Session-Id': session.id }
    for (const headers of [named, carried])
      statuses.add((await fetch(daemon.mcpUrl, { method: 'POST', headers, body: callTool })).status)
  }
  // The last are wrong keys, and too many of them.
  expect([...statuses].toSorted((a, b) => a - b)).toEqual([401, 404, 429])
  const parts = tokens.flatMap((token) => token.split('.')).filter((part) => part.length >= 20)
  const written = filesBelow(daemon.dataDir).map((file) => ({ file, text: bytesIn(file).toString('latin1') }))
  const logs = await daemon.ok('logs', '--lines', '1000')
  for (const { file, text } of [...written, { file: 'logs', text: logs }])
    expect([file, parts.filter((part) => text.includes(part))]).toEqual([file, []])
  expect((await session.post('{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(200)
}, 90_000)
