// A client that is asked for its Space each time it comes, and the person who answers on the command line.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { controlOf, type Control } from '../support/control'
import { eventually, repository } from '../support/daemon'
import { modern } from '../support/modern-client'
import { lastData, mcpHeaders, openRawSession, type RawSession } from '../support/raw-client'
import { startSourceDaemon } from '../support/source-daemon'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let control: Control
const keys = new Map<string, string>()
const ids = new Map<string, string>()

const ok = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await daemon.cli(args)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`)
  return stdout
}
const keyOf = (name: string) => keys.get(name) ?? ''

/** A client with rights in both Spaces, asked for the one it works in. */
async function asked(name: string): Promise<string> {
  keys.set(name, (await ok('key', 'create', name, '--space', 'Default')).trim())
  await ok('key', 'create', name, '--space', 'Work', '--yes')
  const clients = await control.get<{ id: string; name: string }[]>('/clients')
  const id = clients.find((client) => client.name === name)?.id ?? ''
  ids.set(name, id)
  await control.send('PATCH', `/clients/${id}`, { asks: true })
  return keyOf(name)
}

beforeAll(async () => {
  daemon = await startSourceDaemon()
  control = controlOf(daemon)
  await ok('space', 'create', 'Work')
  const echo = (alias: string, space: string) =>
    ok(
      'add',
      alias,
      '--space',
      space,
      '--yes',
      '--',
      process.execPath,
      join(repository, 'tests/servers/echo-stdio.ts'),
    )
  await echo('here', 'Default')
  await echo('there', 'Work')
})
afterAll(() => daemon[Symbol.asyncDispose]())

let lastId = 0
const post = async (session: RawSession, key: string, method: string, params: object = {}, id = ++lastId) => {
  const response = await fetch(daemon.mcpUrl, {
    method: 'POST',
    headers: { ...mcpHeaders(key), 'Mcp-Session-Id': session.id },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
  })
  const text = await response.text()
  const whole = response.headers.get('content-type')?.startsWith('text/event-stream') ? lastData(text) : text
  return JSON.parse(whole) as {
    result?: { tools?: { name: string }[]; content?: { text: string }[] }
    error?: { message: string; data: { code: string } }
  }
}
const call = (session: RawSession, key: string, name: string) =>
  post(session, key, 'tools/call', { name, arguments: { message: 'hello' } })
const waiting = () =>
  ok('space', 'waiting', '--json').then((text) => JSON.parse(text) as { client: string }[])
const waits = (name: string) => eventually(waiting, (open) => open.some(({ client }) => client === name))

test('[space.switch] a call waits for the person and goes on in the Space they say, and so do the next ones', async () => {
  const key = await asked('patient')
  const session = await openRawSession(daemon.mcpUrl, key)
  const early = call(session, key, 'there_echo')
  await waits('patient')
  expect(await ok('status')).toContain('patient waits to be told its Space')
  expect(await ok('space', 'choose', 'patient', 'work')).toBe('patient works in Work\n')
  expect((await early).result?.content?.[0]?.text).toContain('hello')
  expect((await post(session, key, 'tools/list')).result?.tools?.map(({ name }) => name)).toEqual([
    'there_echo',
  ])
  expect((await call(session, key, 'here_echo')).error?.data.code).toBe('feature.unknown')
  expect(await waiting()).toEqual([])
  // Another conversation of the client is not asked again while the answer holds.
  const second = await openRawSession(daemon.mcpUrl, key)
  expect((await call(second, key, 'there_echo')).result).toBeDefined()
})

test('[space.switch] a refused client is told so, and does not ask again at once', async () => {
  const key = await asked('nosy')
  const session = await openRawSession(daemon.mcpUrl, key)
  const early = call(session, key, 'here_echo')
  await waits('nosy')
  expect((await daemon.cli(['space', 'choose', 'nosy', 'nowhere'])).code).toBe(1)
  await ok('space', 'refuse', 'nosy')
  expect((await early).error?.data.code).toBe('client.no_space')
  expect((await call(session, key, 'here_echo')).error?.data.code).toBe('client.no_space')
  expect(await waiting()).toEqual([])
  // A person may think again.
  await ok('space', 'choose', 'nosy', 'Default')
  expect((await call(session, key, 'here_echo')).result).toBeDefined()
})

test('[space.switch] a client without a session waits as well, and closing the request ends the wait', async () => {
  const key = await asked('modern')
  const gone = new AbortController()
  const first = modern(daemon.mcpUrl, key, {
    method: 'tools/call',
    params: { name: 'here_echo', arguments: { message: 'one' } },
    signal: gone.signal,
  }).catch((error: Error) => error.name)
  await waits('modern')
  gone.abort()
  expect(await first).toBe('AbortError')
  const next = modern(daemon.mcpUrl, key, {
    method: 'tools/call',
    params: { name: 'here_echo', arguments: { message: 'two' } },
  })
  await ok('space', 'choose', 'modern', 'Default')
  expect(JSON.stringify((await next).message)).toContain('two')
})

test('[space.switch] what is no question is an error that says so, and a pin ends the asking', async () => {
  const key = await asked('settled')
  const none = await daemon.cli(['space', 'choose', 'settled', 'Work'])
  expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('does not wait for a Space')])
  const session = await openRawSession(daemon.mcpUrl, key)
  const early = call(session, key, 'here_echo')
  await waits('settled')
  const { id: home } = (await control.get<{ id: string; name: string }[]>('/spaces')).find(
    ({ name }) => name === 'Default',
  ) ?? { id: '' }
  await control.send('PATCH', `/clients/${ids.get('settled')}`, { spaceId: home })
  expect((await early).result?.content?.[0]?.text).toContain('hello')
  expect(await waiting()).toEqual([])
})

test('[space.isolation] until it is told its Space a client sees nothing of any', async () => {
  const key = await asked('curious')
  const session = await openRawSession(daemon.mcpUrl, key)
  const [tools, prompts] = await Promise.all([
    post(session, key, 'tools/list'),
    post(session, key, 'prompts/list'),
  ])
  expect([tools.result?.tools, JSON.stringify(prompts.result)]).toEqual([[], '{"prompts":[]}'])
})
