import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository, startDaemon } from '../support/daemon'
import { mcpHeaders, openRawSession } from '../support/raw-client'

const server = join(repository, 'tests/servers/shuffling-stdio.ts')
const CLIENTS = 50
const CALLS = 1000

const call = (id: number, tool: string, text: string, token = '') =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{"text":"${text}"}${token && `,"_meta":{"progressToken":${token}}`}}}`

test('[threat.13] [mcp.ids] clients that count alike over one server never get an answer, or progress, of another', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'mix', '--yes', '--', process.execPath, server)
  const sessions = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const key = (await daemon.ok('key', 'create', `client${index}`)).trim()
      return { key, session: await openRawSession(daemon.mcpUrl, key) }
    }),
  )
  const wrong: string[] = []
  let answered = 0
  let overtaken = 0
  const latest = sessions.map(() => -1)
  const one = async (index: number, id: number) => {
    const canary = `canary-${index}-${id}-`
    const withProgress = id % 3 === 0
    const body = call(id, 'mix_echo', canary, withProgress ? String(id) : '')
    const { key, session } = sessions[index] ?? {}
    if (!key || !session) return
    const response = await fetch(daemon.mcpUrl, {
      method: 'POST',
      headers: { ...mcpHeaders(key), 'Mcp-Session-Id': session.id },
      body,
    })
    const text = await response.text()
    answered += 1
    if (id < (latest[index] ?? 0)) overtaken += 1
    else latest[index] = id
    const canaries = text.match(/canary-\d+-\d+-/g) ?? []
    const right = canaries.length === (withProgress ? 2 : 1) && canaries.every((found) => found === canary)
    if (!right || !text.includes(`"id":${id},`)) wrong.push(`${canary}: ${text}`)
    if (withProgress && !text.includes(`"progressToken":${id},`)) wrong.push(`token of ${canary}: ${text}`)
  }
  await Promise.all(
    sessions.map(async (_, index) => {
      for (let first = 0; first < CALLS; first += 5)
        await Promise.all(Array.from({ length: 5 }, (_, offset) => one(index, first + offset)))
    }),
  )
  expect(wrong).toEqual([])
  expect(answered).toBe(CLIENTS * CALLS)
  // The server does answer out of order.
  expect(overtaken).toBeGreaterThan(1000)
}, 180_000)

test('[threat.13] [mcp.cancellation] one client cannot cancel the call of another, nor by the id of the other session', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'mix', '--yes', '--', process.execPath, server)
  const key = async (name: string) => (await daemon.ok('key', 'create', name)).trim()
  const a = await openRawSession(daemon.mcpUrl, await key('a'))
  const b = await openRawSession(daemon.mcpUrl, await key('b'))
  const hangingA = a.post(call(5, 'mix_hang', 'of a'))
  const hangingB = b.post(call(5, 'mix_hang', 'of b'))
  const cancelled = async () =>
    JSON.parse(
      (
        JSON.parse((await a.post(call(9, 'mix_cancelled', ''))).message) as {
          result: { content: { text: string }[] }
        }
      ).result.content[0]?.text ?? '[]',
    ) as string[]
  const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}'
  while ((await cancelled()).length > 0) await Bun.sleep(10)
  await b.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":6}}')
  await b.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"5"}}')
  // Both calls must have arrived before one is cancelled; a call after them on the same pipe proves it.
  await a.post(call(6, 'mix_echo', 'x'))
  await b.post(call(6, 'mix_echo', 'x'))
  await b.post(cancel)
  for (let tries = 0; tries < 500 && (await cancelled()).length === 0; tries += 1) await Bun.sleep(10)
  expect(await cancelled()).toEqual(['of b'])
  expect((await hangingB).message).toContain('rpc.cancelled')
  await a.post(cancel)
  expect((await hangingA).message).toContain('rpc.cancelled')
}, 60_000)
