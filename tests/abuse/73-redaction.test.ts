// Servers that print the secrets they were given, in every way and everywhere. Nothing a person or a program can read
// of it afterwards holds eight characters of them.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

const canaries = {
  SECRET_A: 'k9/Qw+Zr7=xTn4"Lp2 vB8%41&Hs6',
  SECRET_B: 'ghx_5fJ0aYd3UeC1mRoWtGbK',
  SECRET_C: '-----BEGIN KEY-----\nMIGHAgEAMBMGByqGSM49AgEGC\nCqGSM49AwEHBG0wawIB\n-----END KEY-----',
}
const header = 'tok-HjW2mN7qXz9LcV4sRb'
const unregistered = ['opaque-token-nobody', 'abc.def', 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldY', 'YWJjZGVm']

function* windows(text: string): Generator<string> {
  for (let at = 0; at + 8 <= text.length; at++) yield text.slice(at, at + 8)
}
/** Eight characters in a row of any secret, as it is or encoded. */
const traces = new Set(
  [canaries.SECRET_A, canaries.SECRET_B, ...canaries.SECRET_C.split('\n').slice(1, 3), header].flatMap(
    (it) => {
      const bytes = Buffer.from(it)
      const core = (before: number) =>
        Buffer.from('u'.repeat(before) + it)
          .toString('base64')
          .slice(Math.ceil((before * 8) / 6), -4)
      const encoded = [encodeURIComponent(it), JSON.stringify(it).slice(1, -1), bytes.toString('hex')]
      return [it, ...encoded, core(0), core(1), core(2)].flatMap((text) => [...windows(text)])
    },
  ),
)
const found = (text: string): string[] => [
  ...[...windows(text)].filter((part) => traces.has(part)),
  ...unregistered.filter((part) => text.includes(part)),
]

/** A remote server that refuses with the very header it was sent. */
const remote = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: async (request) => {
    const { id } = (await request.json()) as { id: number }
    const message = `token ${request.headers.get('authorization')} is not welcome`
    return Response.json({ jsonrpc: '2.0', id, error: { code: -1, message } })
  },
})

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let followed = ''
const stop = new AbortController()

beforeAll(async () => {
  daemon = await startSourceDaemon()
  await daemon.cli(['vault', 'use', 'insecure', '--yes'])
  const env = { ...canaries, AUTHORIZATION: `Bearer ${header}` }
  void (async () => {
    const stream = await daemon.fetch('/logs/stream?of=all', { signal: stop.signal })
    for await (const chunk of stream.body ?? []) followed += new TextDecoder().decode(chunk)
  })().catch(() => undefined)
  const secrets = Object.keys(canaries).flatMap((name) => ['--env', name])
  const program = join(repository, 'tests/servers/leaky-stdio.ts')
  for (const mode of ['talks', 'refuses', 'dies'])
    await daemon.cli(['add', mode, ...secrets, '--yes', '--', process.execPath, program, mode], { env })
  await daemon.cli(
    ['add', 'remote', '--url', `http://127.0.0.1:${remote.port}/`, '--header', 'Authorization', '--yes'],
    {
      env,
    },
  )
})
afterAll(async () => {
  stop.abort()
  await remote.stop(true)
  await daemon[Symbol.asyncDispose]()
})

const idOf = async (name: string) =>
  (JSON.parse((await daemon.cli(['show', name, '--json'])).stdout) as { id: string }).id

test('[threat.73] the check itself finds what it looks for', () => {
  expect(found(`x ${canaries.SECRET_B.slice(3, 11)} y`)).toHaveLength(1)
  expect(found(Buffer.from(`ab:${header}`).toString('base64')).length).toBeGreaterThan(10)
  expect(found('nothing of it')).toEqual([])
})

test('[threat.73] the log files hold what servers said, without their secrets', async () => {
  const folder = join(daemon.dataDir, 'logs')
  const read = () => readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  const texts = await eventually(read, (all) => all.join('').split('first twenty: [secret]').length > 6)
  expect(texts.flatMap(found)).toEqual([])
  const all = texts.join('')
  expect(all).toContain('"Authorization: [secret]"')
  expect(all).toContain('GET /callback?code=[secret]&state=[secret]')
  expect(all).toContain('bad token [secret] [secret]')
  expect(all).toContain('token [secret] is not welcome')
  expect(all).toContain('prompts/list failed')
  expect(all).toContain('x[secret]')
})

test('[threat.73] terminal, live view, command line, states and answers of both doors hold none either', async () => {
  const key = (await daemon.cli(['key', 'create', 'agent'])).stdout.trim()
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const post = async (body: object, more: Record<string, string> = {}) =>
    fetch(daemon.mcpUrl, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) })
  const clientInfo = { name: 't', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const opened = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
  const calls: string[] = []
  for (const name of ['refuses_x', 'dies_x', 'remote_x'])
    calls.push(
      await (await post({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name } }, session)).text(),
    )

  const reads: [string, () => Promise<string>][] = [
    ['stderr of the gateway', async () => daemon.log()],
    ['the live view', async () => followed],
    ['answers to the client', async () => calls.join('\n')],
  ]
  for (const args of [['status'], ['logs', '--all'], ['logs', 'talks', '--json'], ['show', 'dies']])
    reads.push([args.join(' '), async () => (await daemon.cli(args)).stdout])
  for (const name of ['refuses', 'dies', 'remote']) {
    reads.push([`restart ${name}`, async () => (await daemon.cli(['restart', name])).stderr])
    reads.push([`call ${name}`, async () => (await daemon.cli(['call', `${name}/x`])).stderr])
    const id = await idOf(name)
    reads.push([`state of ${name}`, async () => (await daemon.fetch(`/servers/${id}`)).text()])
  }
  for (const [what, read] of reads) {
    const text = await read()
    expect([what, text.length > 0, found(text)]).toEqual([what, true, []])
  }
  expect(daemon.log()).toContain('[secret]')
  expect(followed).toContain('[secret]')
})

test('[threat.73] arguments and results of calls are in no log', async () => {
  await daemon.cli([
    'add',
    'echo',
    '--yes',
    '--',
    process.execPath,
    join(repository, 'tests/servers/echo-stdio.ts'),
  ])
  const { stdout } = await daemon.cli(['call', 'echo/echo', '{"message":"argument-canary-73"}'])
  expect(stdout).toContain('argument-canary-73')
  const folder = join(daemon.dataDir, 'logs')
  for (const file of readdirSync(folder))
    expect(readFileSync(join(folder, file), 'utf8')).not.toContain('argument-canary-73')
  expect(daemon.log()).not.toContain('argument-canary-73')
})
