// Servers with a process for each client or session, instead of one for everybody.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { openAskedClient, type AskedClient } from '../support/asked-client'
import { eventually, repository } from '../support/daemon'
import { modern } from '../support/modern-client'
import { isAlive } from '../support/processes'
import { startSourceDaemon } from '../support/source-daemon'

const server = [process.execPath, join(repository, 'tests/servers/asking-stdio.ts')]
const capabilities = { roots: {}, elicitation: {} }

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
const keys: string[] = []
beforeAll(async () => {
  daemon = await startSourceDaemon()
  for (const isolation of ['shared', 'client', 'session'])
    await daemon.cli(['add', isolation, '--isolation', isolation, '--yes', '--', ...server])
  for (const name of ['one', 'two']) keys.push((await daemon.cli(['key', 'create', name])).stdout.trim())
})
afterAll(() => daemon[Symbol.asyncDispose]())

const session = (key = 0) => openAskedClient(daemon.mcpUrl, keys[key] ?? '', capabilities)
let lastId = 0
async function pidOf(client: AskedClient, alias: string): Promise<number> {
  const { result } = (await (await client.call(++lastId, `${alias}_pid`)).answer()) as {
    result: { content: { text: string }[] }
  }
  return Number(result.content[0]?.text)
}

test('[isolation] one process for all, for each client, or for each session, as the server is set', async () => {
  const [a, b, other] = [await session(), await session(), await session(1)]
  const pids = async (alias: string) => [
    await pidOf(a, alias),
    await pidOf(b, alias),
    await pidOf(other, alias),
  ]
  const [sharedA, sharedB, sharedOther] = await pids('shared')
  expect([sharedB, sharedOther]).toEqual([sharedA, sharedA])
  const [clientA, clientB, clientOther] = await pids('client')
  expect(clientB).toBe(clientA)
  expect(clientOther).not.toBe(clientA)
  expect(new Set(await pids('session')).size).toBe(3)
  const params = { name: 'client_pid', arguments: {} }
  const { message } = await modern(daemon.mcpUrl, keys[0] ?? '', { method: 'tools/call', params })
  expect(JSON.stringify(message.result)).toContain(`"${clientA}"`)
})

test('[isolation] [mcp.back-channel] several clients can be asked at once, each on its own call', async () => {
  const clients = [await session(0), await session(1)]
  const args = { method: 'elicitation/create', params: '{}' }
  const open = await Promise.all(clients.map((client) => client.call(1, 'client_ask', args)))
  for (const [index, call] of open.entries()) {
    const asked = await eventually(
      () => call.messages().find(({ method }) => method === 'elicitation/create'),
      (found) => found !== undefined,
    )
    const answer = { jsonrpc: '2.0', id: asked?.id, result: { action: 'accept', content: { of: index } } }
    await clients[index]?.send(JSON.stringify(answer))
    expect(JSON.stringify(await call.answer())).toContain(`\\"of\\":${index}`)
  }
})

test('[isolation] the process of a session ends with it, and all end when the server is shared again or removed', async () => {
  const [a, b] = [await session(), await session()]
  const [pidA, pidB] = [await pidOf(a, 'session'), await pidOf(b, 'session')]
  const headers = { Authorization: `Bearer ${keys[0]}`, 'Mcp-Session-Id': a.id }
  expect((await fetch(daemon.mcpUrl, { method: 'DELETE', headers })).status).toBe(204)
  await eventually(
    () => isAlive(pidA),
    (alive) => !alive,
  )
  expect(isAlive(pidB)).toBe(true)
  const { id } = JSON.parse((await daemon.cli(['show', 'session', '--json'])).stdout) as { id: string }
  const body = JSON.stringify({ isolation: 'shared' })
  expect((await daemon.fetch(`/servers/${id}`, { method: 'PATCH', body })).status).toBe(200)
  await eventually(
    () => isAlive(pidB),
    (alive) => !alive,
  )
  const own = await pidOf(b, 'client')
  await daemon.cli(['remove', 'client', '--yes'])
  await eventually(
    () => isAlive(own),
    (alive) => !alive,
  )
})

test('[isolation] [limits] there are so many of one server and no more', async () => {
  await daemon.cli(['config', 'set', 'limits.isolated', '1'])
  await daemon.cli(['add', 'few', '--isolation', 'session', '--yes', '--', ...server])
  const [a, b] = [await session(), await session()]
  expect(await pidOf(a, 'few')).toBeGreaterThan(0)
  const call = await b.call(9, 'few_pid')
  expect(JSON.stringify(await call.answer())).toContain('limits.isolated')
  await daemon.cli(['config', 'reset', 'limits.isolated'])
})

test('[isolation] [limits] one that rests makes room for another client', async () => {
  const times = ['timeouts.idle_stop', 'timeouts.in_use']
  for (const time of times) await daemon.cli(['config', 'set', time, '1000'])
  await daemon.cli(['config', 'set', 'limits.isolated', '1'])
  await daemon.cli(['add', 'one', '--isolation', 'client', '--yes', '--', ...server])
  const [a, other] = [await session(), await session(1)]
  const pid = await pidOf(a, 'one')
  await eventually(
    () => isAlive(pid),
    (alive) => !alive,
  )
  for (const time of times) await daemon.cli(['config', 'reset', time])
  const second = await pidOf(other, 'one')
  expect(second).toBeGreaterThan(0)
  // Now that one is in use, and nobody else gets in its way.
  const refused = await (await a.call(++lastId, 'one_pid')).answer()
  expect(JSON.stringify(refused)).toContain('limits.isolated')
  expect(await pidOf(other, 'one')).toBe(second)
  await daemon.cli(['config', 'reset', 'limits.isolated'])
})
