// What clients of both SDK lines see of a gateway that is killed and comes back.
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, repository, startDaemon } from '../support/daemon'

const info = { name: 'survivor', version: '1' }

test('[mcp.lifecycle] after a crash sessions go on, and a call that was open ends with an error that says so', async () => {
  const home = mkdtempSync(join(tmpdir(), 'mux-crash-'))
  const before = await startDaemon({ home })
  const program = join(repository, 'tests/servers/edges-stdio.ts')
  await before.ok('add', 'edges', '--yes', '--', process.execPath, program)
  const key = (await before.ok('key', 'create', 'survivor')).trim()
  const url = new URL(before.mcpUrl)
  const requestInit = { headers: { Authorization: `Bearer ${key}` } }
  const v1 = new ClientV1(info)
  await v1.connect(new HttpV1(url, { requestInit }))
  const v2 = new ClientV2(info)
  await v2.connect(new HttpV2(url, { requestInit }))
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
    })
    expect(after.mcpUrl).toBe(before.mcpUrl)
    for (const failure of await Promise.all(failures)) expect(failure).toContain('cannot be resumed')
    for (const client of [v1, v2])
      expect((await client.callTool({ name: 'edges_tool-20' })).content).toMatchObject([
        { text: 'called tool-20' },
      ])
  } finally {
    await Promise.all([v1.close(), v2.close()])
    rmSync(home, { recursive: true, force: true })
  }
}, 90_000)
