import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { settingSpecs } from '../../gateway/domain/settings'
import { controlOf } from '../support/control'
import { repository } from '../support/daemon'
import { type KeyringDaemon, startKeyringDaemon } from '../support/keyring-daemon'
import { program, type SourceDaemon } from '../support/source-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts')]
let daemon: KeyringDaemon
beforeAll(async () => {
  daemon = await startKeyringDaemon()
})
afterAll(() => daemon[Symbol.asyncDispose]())

async function ok(args: readonly string[], more: Parameters<SourceDaemon['cli']>[1] = {}): Promise<string> {
  const { code, stdout, stderr } = await daemon.cli(args, more)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`)
  return stdout
}
const json = async (...args: string[]) => JSON.parse(await ok([...args, '--json']))

test('[cli] add connects once and says how many tools there are', async () => {
  const { code, stdout, stderr } = await daemon.cli([
    'add',
    'Raw Bytes',
    '--alias',
    'raw',
    '--yes',
    '--',
    ...raw,
  ])
  expect([code, stdout]).toEqual([0, 'Raw Bytes: 4 tools\n'])
  expect(stderr).toContain(raw[1] ?? '')
  expect((await json('show', 'raw')).consent.givenBy).toBe('cli')
})

test('[cli] call prints the result as the server sent it, byte for byte', async () => {
  const stdout = await ok(['call', 'raw/exotic', '{}'])
  expect(stdout).toBe(
    '{"content":[{"type":"hologram","beam":1e400,"n":9007199254740993,"one":1.0,"dup":1,"dup":2}],"x-unknown":null,"_meta":{"acme/trace":"\\u00e9\\ud83d\\ude00"}}\n',
  )
})

test('[cli] call carries arguments untouched, from argv and from standard input', async () => {
  const args = '{"n":9007199254740993,"x":1e400,"one":1.0,"a":1,"a":2}'
  for (const stdout of [
    await ok(['call', 'raw/echo', args]),
    await ok(['call', 'raw/echo', '-'], { stdin: args }),
  ]) {
    const params = Buffer.from(JSON.parse(stdout).got, 'base64').toString()
    expect(params).toContain(`"arguments":${args}`)
  }
})

test('[cli] a JSON-RPC error of the server is a failure with its own words', async () => {
  const { code, stdout, stderr } = await daemon.cli(['call', 'raw/fail'])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('-31999: own words')
})

test('[cli] arguments that are no JSON object are a usage error', async () => {
  for (const args of ['{', '[1]', '7', '"x"']) {
    const { code, stderr } = await daemon.cli(['call', 'raw/echo', args])
    expect([args, code]).toEqual([args, 2])
    expect(stderr).toContain('JSON')
  }
})

test('[cli] unknown servers, tools and Spaces are told apart by their codes', async () => {
  const cases: [string[], string][] = [
    [['show', 'nope'], 'server.unknown'],
    [['call', 'nope/echo'], 'server.unknown'],
    [['call', 'raw/nope'], 'feature.unknown'],
    [['list', '--space', 'nope'], 'space.unknown'],
    [['tools', '--client', 'nope'], 'client.unknown'],
    [['config', 'get', 'nope'], 'setting.unknown'],
    [['config', 'set', 'limits.page_size', '0'], 'setting.invalid'],
    [['key', 'revoke', 'nope'], 'key.unknown'],
  ]
  for (const [args, wanted] of cases) {
    const { code, stdout, stderr } = await daemon.cli(args)
    expect([args, code, stdout]).toEqual([args, 1, ''])
    expect(stderr).toContain(`(${wanted})`)
  }
})

test('[cli] what exists already is a conflict: 5', async () => {
  for (const args of [
    ['add', 'Raw Bytes', '--yes', '--', ...raw],
    ['space', 'create', 'Default'],
    ['space', 'remove', 'Default', '--yes'],
  ])
    expect((await daemon.cli(args)).code).toBe(5)
})

test('[cli] add without a terminal and without --yes shows everything, adds nothing and ends with 4', async () => {
  const { code, stdout, stderr } = await daemon.cli(['add', 'quiet', '--', 'sh', '-c', 'echo  \u202ehidden'])
  expect([code, stdout]).toEqual([4, ''])
  expect(stderr).toContain("sh -c 'echo  \\u{202e}hidden'")
  expect(stderr).toContain('runs any text as a script')
  expect((await daemon.cli(['show', 'quiet'])).code).toBe(1)
})

test('[cli] on a terminal add asks, and anything but yes adds nothing', async () => {
  const no = await daemon.onTerminal(['add', 'asked', '--', ...raw], [['[y/N]', 'n\r']])
  expect([no.code, no.unasked]).toEqual([4, []])
  expect((await daemon.cli(['show', 'asked'])).code).toBe(1)
  const yes = await daemon.onTerminal(['add', 'asked', '--', ...raw], [['[y/N]', 'y\r']])
  expect([yes.code, yes.unasked]).toEqual([0, []])
  expect((await json('show', 'asked')).consent.givenBy).toBe('cli')
})

test('[cli] a secret is asked for without echo and never shown again', async () => {
  const secret = 'typed-4e2a'
  const { code, screen, unasked } = await daemon.onTerminal(
    ['add', 'hidden', '--yes', '--env', 'API_KEY', '--', ...raw],
    [['Value of API_KEY', `${secret}\r`]],
  )
  expect([code, unasked]).toEqual([0, []])
  expect(screen).not.toContain(secret)
  const status = await ok(['status'])
  expect(status).toContain('open; its key is in the Secret Service')
  for (const args of [
    ['show', 'hidden', '--json'],
    ['list', '--json'],
    ['status', '--json'],
    ['show', 'hidden'],
  ])
    expect(await ok(args)).not.toContain(secret)
  expect(daemon.log()).not.toContain(secret)
})

test('[cli] --env K and --header K take the value from the environment', async () => {
  await ok(['add', 'env', '--yes', '--env', 'MY_TOKEN', '--env', 'LEVEL=debug', '--', ...raw], {
    env: { MY_TOKEN: 'from-env' },
  })
  const shown = await json('show', 'env')
  expect(shown.definition.env).toEqual({ MY_TOKEN: '${input:MY_TOKEN}', LEVEL: 'debug' })
  expect(shown.inputs).toEqual([{ id: 'MY_TOKEN', secret: true, value: null, isSet: true }])
  const absent = await daemon.cli(['add', 'absent', '--yes', '--env', 'OTHER_TOKEN', '--', ...raw])
  expect(absent.code).toBe(4)
  expect(absent.stderr).toContain('upstream.needs_input')
})

test('[cli] a server that cannot start is added, and says why', async () => {
  const { code, stdout, stderr } = await daemon.cli(['add', 'broken', '--yes', '--', '/no/such/program'])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('upstream.spawn_failed')
  expect(stderr).toContain('mcpmux restart broken')
  expect(await ok(['status'])).toMatch(/broken +failed/)
  expect(await ok(['remove', 'broken', '--yes'])).toBe('removed broken\n')
})

test('[cli] disable takes the tools away, enable brings them back, restart ends in a usable server', async () => {
  expect(await ok(['disable', 'raw'])).toBe('Raw Bytes: disabled\n')
  expect((await daemon.cli(['call', 'raw/echo'])).code).toBe(1)
  expect((await json('tools')).some(({ server }: { server: string }) => server === 'raw')).toBe(false)
  await ok(['enable', 'raw'])
  expect((await json('tools')).some(({ name }: { name: string }) => name === 'raw_echo')).toBe(true)
  await ok(['restart', 'raw'])
  await ok(['call', 'raw/echo'])
})

test('[keys] key create prints the key alone; it works at once, and stops when revoked', async () => {
  const key = (await ok(['key', 'create', 'cursor'])).trim()
  expect(key).toMatch(/^mcp_[0-9A-Za-z]{49}$/)
  const post = (with_: string) =>
    fetch(daemon.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${with_}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}',
    }).then(({ status }) => status)
  expect(await post(key)).toBe(200)
  const rotated = (await ok(['key', 'rotate', 'cursor'])).trim()
  expect([await post(key), await post(rotated)]).toEqual([401, 200])
  expect(await ok(['key', 'list'])).not.toContain(rotated)
  await ok(['key', 'revoke', 'cursor'])
  expect(await post(rotated)).toBe(401)
})

test('[keys] other rights for a client that exists need --yes', async () => {
  await ok(['key', 'create', 'editor'])
  await ok(['space', 'create', 'Side'])
  const refused = await daemon.cli(['key', 'create', 'editor', '--space', 'Side'])
  expect(refused.code).toBe(5)
  expect(refused.stderr).toContain('--yes')
  await ok(['key', 'create', 'editor', '--space', 'Side', '--yes'])
})

test('[space.switch] Spaces are made, used, renamed and removed', async () => {
  await ok(['space', 'create', 'Work'])
  expect(await ok(['space', 'use', 'work'])).toBe('now in Work\n')
  expect((await json('list')).length).toBe(0)
  expect((await json('list', '--space', 'Default')).length).toBeGreaterThan(0)
  await ok(['space', 'rename', 'Work', 'Play'])
  expect((await daemon.cli(['space', 'remove', 'Play', '--yes'])).code).toBe(5)
  await ok(['space', 'use', 'Default'])
  await ok(['space', 'remove', 'Play', '--yes'])
  expect((await json('space', 'list')).map(({ name }: { name: string }) => name)).not.toContain('Play')
})

test('[config] settings are read and set by key', async () => {
  const normal = `${settingSpecs['limits.page_size'].default}\n`
  expect(await ok(['config', 'get', 'limits.page_size'])).toBe(normal)
  await ok(['config', 'set', 'limits.page_size', '10'])
  expect((await json('config', 'get', 'limits.page_size')).value).toBe(10)
  await ok(['config', 'reset', 'limits.page_size'])
  expect(await ok(['config', 'get', 'limits.page_size'])).toBe(normal)
})

test('[cli] every read is JSON with --json, and talk stays off stdout', async () => {
  for (const args of [
    ['status'],
    ['list'],
    ['show', 'raw'],
    ['tools'],
    ['key', 'list'],
    ['space', 'list'],
    ['config', 'get'],
  ])
    expect(await json(...args)).toBeDefined()
})

test('[cli] a reader that leaves early is no failure of ours', async () => {
  const child = Bun.spawn(
    ['sh', '-c', `"$@" config get --json | head -c 1 >/dev/null; exit 0`, 'sh', ...program],
    {
      env: { ...process.env, MCPMUX_HOME: daemon.dataDir, XDG_RUNTIME_DIR: daemon.home },
      stderr: 'pipe',
    },
  )
  expect(await new Response(child.stderr).text()).toBe('')
})

test('[keys] key list tells keys in use from expired and revoked ones', async () => {
  const make = (body: object) => controlOf(daemon).send('POST', '/keys', body)
  const soon = Date.now() + 2000
  await make({ client: 'states', expiresAt: soon })
  await make({ client: 'states', expiresAt: 9_000_000_000_000 })
  while (Date.now() <= soon) await Bun.sleep(20)
  const states = (await ok(['key', 'list'])).split('\n').filter((line) => line.startsWith('states'))
  expect(states.map((line) => /expired|revoked|in use/.exec(line)?.[0]).sort()).toEqual(['expired', 'in use'])
  await ok(['key', 'revoke', 'states', '--yes'])
  expect(await ok(['key', 'list'])).toMatch(/states +\S+ +revoked/)
})
