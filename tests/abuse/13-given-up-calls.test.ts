// A server that goes on with a call nobody waits for any more: what it says and asks for it is nobody else's.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { startLingeringHttp } from '../servers/lingering-http'
import { openAskedClient, type AskedClient, type OpenCall } from '../support/asked-client'
import { eventually, repository } from '../support/daemon'
import { startSourceDaemon, tempHome } from '../support/source-daemon'

const stdio = ['--', process.execPath, join(repository, 'tests/servers/lingering-stdio.ts')]
const SECRET = 'canary of the first client'

/** Two clients of one server, who want every log message and can be asked. */
async function openTwo(server = stdio) {
  // A call counts for some seconds only after it was given up, which may be short on a busy machine.
  const daemon = await startSourceDaemon({}, tempHome(), [], 'tests/servers/slow-clock-daemon.ts')
  await daemon.cli(['add', 'it', '--yes', ...server])
  const open = async (name: string) => {
    const key = (await daemon.cli(['key', 'create', name])).stdout.trim()
    const client = await openAskedClient(daemon.mcpUrl, key, { elicitation: { form: {} } })
    await client.send('{"jsonrpc":"2.0","id":0,"method":"logging/setLevel","params":{"level":"debug"}}')
    return { client, key }
  }
  const [one, two] = [await open('one'), await open('two')]
  return { daemon, one, two, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() }
}

let lastId = 0
const call = (client: AskedClient, tool: string, args = {}) => client.call(++lastId, `it_${tool}`, args)
async function said(open: OpenCall): Promise<string> {
  const { result } = (await open.answer()) as { result: { content: { text: string }[] } }
  return result.content[0]?.text ?? ''
}
const ask = async (client: AskedClient, tool: string) => said(await call(client, tool))

/** A call of this client is open at the server; resolves with its id and what becomes of it. */
async function work(client: AskedClient, args = {}) {
  const before = Number(await ask(client, 'working'))
  const working = call(client, 'work', { text: SECRET, ...args })
  const id = lastId
  await eventually(
    () => ask(client, 'working'),
    (count) => count === String(before + 1),
  )
  return { id, working }
}

/** A call of this client during which the server is asked to tell, and is asked itself: answers, and says what came. */
async function beAsked(client: AskedClient): Promise<string> {
  const told = await call(client, 'tell')
  const { id } = await eventually(
    () => told.messages().find(({ method }) => method === 'elicitation/create') ?? {},
    (question) => question.id !== undefined,
  )
  await client.send(`{"jsonrpc":"2.0","id":${String(id)},"result":{"action":"decline"}}`)
  await told.answer()
  return told.text()
}

async function leave(
  { daemon, one }: Awaited<ReturnType<typeof openTwo>>,
  client: AskedClient,
): Promise<void> {
  const headers = { Authorization: `Bearer ${one.key}`, 'Mcp-Session-Id': client.id }
  expect((await fetch(daemon.mcpUrl, { method: 'DELETE', headers })).status).toBeLessThan(300)
}

const cancelOf = (id: number) =>
  `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`

/** What is said and asked for the abandoned call, with a call of the second client alone open, reaches nobody. */
async function expectNothing(client: AskedClient): Promise<void> {
  const told = await call(client, 'tell')
  await eventually(
    () => told.messages().length,
    (count) => count > 0,
  )
  expect(told.text()).not.toContain(SECRET)
  expect(await said(told)).toContain('cannot tell')
}

test('[threat.13] [mcp.cancellation] what a server says and asks for a cancelled call reaches no other client', async () => {
  await using both = await openTwo()
  const [one, two] = [both.one.client, both.two.client]
  const { id, working } = await work(one)
  await one.send(cancelOf(id))
  expect(JSON.stringify(await (await working).answer())).toContain('rpc.cancelled')
  await expectNothing(two)
  // To the client itself it is no stranger's.
  const own = await beAsked(one)
  expect(own.split(SECRET)).toHaveLength(3)
  expect(own).toContain('decline')
  // With the late answer it is over.
  expect(await ask(one, 'finish')).toBe('done')
  const next = await work(two)
  expect(await beAsked(two)).toContain(SECRET)
  await two.send(cancelOf(next.id))
  await next.working
})

test('[threat.13] [limits] what a server says and asks for a call over its time reaches no other client', async () => {
  await using both = await openTwo()
  const [one, two] = [both.one.client, both.two.client]
  await ask(one, 'working')
  await both.daemon.cli(['config', 'set', 'timeouts.call_idle', '100'])
  const late = await call(one, 'work', { text: SECRET })
  expect(JSON.stringify(await late.answer())).toContain('upstream.timeout')
  await both.daemon.cli(['config', 'reset', 'timeouts.call_idle'])
  await expectNothing(two)
})

test('[threat.13] [mcp.cancellation] that a server confirms the end of a call does not say that it stopped', async () => {
  await using both = await openTwo()
  const [one, two] = [both.one.client, both.two.client]
  const { id, working } = await work(one, { confirms: true })
  await one.send(cancelOf(id))
  await (await working).answer()
  expect(await ask(two, 'cancelled')).toBe('1')
  await expectNothing(two)
})

test('[threat.13] [mcp.back-channel] nor does a proxy that gives a call up over HTTP, where what is of no call has a stream', async () => {
  await using server = startLingeringHttp()
  await using both = await openTwo(['--url', server.url])
  const [one, two] = [both.one.client, both.two.client]
  const broken = await call(one, 'work', { text: SECRET })
  expect(JSON.stringify(await broken.answer())).toContain('upstream.http_error')
  await expectNothing(two)
  const own = await beAsked(one)
  expect(own.split(SECRET)).toHaveLength(3)
})

test('[threat.13] [mcp.logging] what comes behind the answer on the stream of a call is for its client alone', async () => {
  await using server = startLingeringHttp()
  await using both = await openTwo(['--url', server.url])
  const [one, two] = [both.one.client, both.two.client]
  const listening = await two.listen()
  await ask(one, 'cancelled')
  await leave(both, one)
  await ask(two, 'working')
  await server.trail(SECRET)
  // On a stream of its own it comes, and behind the other one.
  await ask(two, 'cancelled')
  await server.trail('the end')
  await eventually(
    () => listening.text(),
    (text) => text.includes('the end'),
  )
  expect(listening.text()).not.toContain(SECRET)
})

test('[threat.13] [mcp.logging] the last words for a client that left reach no other client', async () => {
  await using both = await openTwo()
  const [one, two] = [both.one.client, both.two.client]
  const listening = await two.listen()
  await work(one, { lastWords: true })
  await ask(two, 'working')
  await leave(both, one)
  let heard = ''
  const hear = async (tool: string) => {
    const open = await call(two, tool)
    const text = await said(open)
    heard += open.text()
    return text
  }
  await eventually(
    () => hear('cancelled'),
    (count) => count === '1',
  )
  expect(await hear('finish')).toBe('done')
  // What it says after that, with nobody else left, is for the one who is.
  await eventually(
    () => listening.text(),
    (text) => text.includes('the end'),
  )
  expect(heard + listening.text()).not.toContain(SECRET)
})
