// Values, secrets of a Space and Basic authentication on the command line; servers say what they were given.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type GivenHttp, startGivenHttp } from '../servers/given-http'
import { eventually } from '../support/daemon'
import { givenProgram, givenThrough, type GivenToStdio } from '../support/given'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

let keyring: Keyring
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let remote: GivenHttp
let gateway: ReturnType<typeof givenThrough>
beforeAll(async () => {
  remote = startGivenHttp()
  keyring = await startKeyring()
  daemon = await startSourceDaemon({ ...keyring.env, OUTSIDE: 'outside-71' })
  gateway = givenThrough(daemon)
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
  await remote[Symbol.asyncDispose]()
})

const program = [process.execPath, givenProgram]
type More = Parameters<typeof daemon.cli>[1]
async function ok(args: readonly string[], more: More = {}): Promise<string> {
  const { code, stdout, stderr } = await daemon.cli(args, more)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${code} ${stderr}`)
  return stdout
}
const shown = async (name: string) =>
  JSON.parse(await ok(['show', name, '--json'])) as { id: string; state: { status: string } }
const given = async <T = GivenToStdio>(name: string) => gateway.given<T>((await shown(name)).id)

test('[cred.inputs] add takes typed values, references in texts, and shows all of it before it asks', async () => {
  mkdirSync(join(daemon.home, 'docs'))
  const { code, stderr } = await daemon.cli([
    ...['add', 'typed', '--yes', '--input', 'dir:folder=docs', '--input', 'level:debug|info=info'],
    ...['--input', 'more:text...=one', '--input', 'more=--two', '--input', 'port?:number'],
    ...['--env', 'LEVEL=is ${input:level}', '--env', 'OUT=${env:OUTSIDE}'],
    ...['--', ...program, '--dir ${input:dir}', '${input:more}', '--port ${input:port}'],
  ])
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('takes    OUTSIDE from the environment of McpMux'),
  ])
  expect(stderr).toContain(`value    dir (folder): ${join(daemon.home, 'docs')}`)
  expect(stderr).toContain('value    level (debug|info): info')
  expect(stderr).toMatch(/value    more \(.*\): one, --two$/m)
  expect(stderr).toContain('value    port (number, may be left out): (left out)')
  const { args, env } = await given('typed')
  expect(args).toEqual(['--dir', join(daemon.home, 'docs'), 'one', '--two'])
  expect([env.LEVEL, env.OUT]).toEqual(['is info', 'outside-71'])
})

test('[cred.inputs] on a terminal a value is asked for until it fits; choices by their number, yes for true', async () => {
  const { code, screen, unasked } = await daemon.onTerminal(
    [
      ...['add', 'asked', '--yes', '--input', 'n:number', '--input', 'c:red|blue', '--input', 'b:boolean'],
      ...[
        '--input',
        'more:text...',
        '--env',
        'K=x ${input:k}',
        '--env',
        'N=${input:n}',
        '--env',
        'C=${input:c}',
      ],
      ...['--env', 'B=${input:b}', '--', ...program, '${input:more}'],
    ],
    [
      ['Value of n (number)', 'many\r'],
      ['it must be a number', '7\r'],
      ['Value of c (red|blue)', '2\r'],
      ['Value of b (boolean)', 'maybe\r'],
      ['it must be true or false', 'yes\r'],
      ['Value of more', 'first\r'],
      ['Value of more', 'second\r'],
      ['Value of more', '\r'],
      ['Value of k (not shown)', 'typed-k\r'],
    ],
  )
  expect([code, unasked]).toEqual([0, []])
  expect(screen).toContain('2  blue')
  expect(screen).not.toContain('typed-k')
  const { args, env } = await given('asked')
  expect([args, env.N, env.C, env.B, env.K]).toEqual([['first', 'second'], '7', 'blue', 'true', 'x typed-k'])
})

test('[cred.inputs] without a terminal a value that is missing or does not fit is named, and nothing is added', async () => {
  const add = ['add', 'refused', '--yes']
  const cases: [args: string[], code: number, says: string][] = [
    [['--input', 'n:number', '--env', 'N=${input:n}'], 4, '--input n=VALUE'],
    [['--input', 'n:number=x', '--env', 'N=${input:n}'], 2, 'the value of n must be a number'],
    [['--input', 'c:a|b=d', '--env', 'N=${input:c}'], 2, 'must be one of its choices: a, b'],
    [['--input', 'n:date=1', '--env', 'N=${input:n}'], 2, 'the type is text, secret'],
    [['--input', 'n=1', '--input', 'n:number=2'], 2, 'is given twice'],
    [['--input', 'n=1', '--input', 'n=2', '--env', 'N=${input:n}'], 2, 'takes one value'],
    [['--input', 's:secret=hush-hush'], 2, 'without its value'],
    [['--input', 'unused=1'], 1, 'declared but not used'],
    [['--env', 'API_KEY=hush-hush'], 2, 'give only the name'],
    [['--env', 'DB=postgres://me:hush-hush@db/${env:OUTSIDE}'], 2, 'give only the name'],
    [['--env', 'N=${env:MCPMUX_HOME}'], 1, 'for McpMux itself'],
    [['--env', 'N=${env:NODE_OPTIONS}'], 1, 'for McpMux itself'],
    [['--env', 'N=${env:A B}'], 1, 'a reference that cannot be read'],
    [['--env', 'NODE_OPTIONS=${env:OUTSIDE}'], 1, 'cannot be secret'],
  ]
  for (const [args, wanted, says] of cases) {
    const { code, stdout, stderr } = await daemon.cli([...add, ...args, '--', ...program])
    expect([args, code, stdout, stderr]).toEqual([args, wanted, '', expect.stringContaining(says)])
    expect(stderr).not.toContain('hush-hush')
  }
  for (const argument of ['${env:OUTSIDE}', '${secret:x}', '--key=${secret:x}', '${basic:a:b}']) {
    const { code, stderr } = await daemon.cli([...add, '--', ...program, argument])
    expect([argument, code, stderr]).toEqual([argument, 2, expect.stringContaining('input.secret_in_argv')])
  }
  const secret = ['--input', 's:secret', '--', ...program]
  for (const argument of ['${input:s}', '--x ${input:s}']) {
    const { code, stderr } = await daemon.cli([...add, ...secret, argument])
    expect([argument, code, stderr]).toEqual([argument, 2, expect.stringContaining('input.secret_in_argv')])
  }
  const telling = await daemon.cli([...add, '--input', 't=1', '--', ...program, '--token ${input:t}'])
  expect([telling.code, telling.stderr]).toEqual([2, expect.stringContaining('input.secret_in_argv')])
  expect((await daemon.cli(['show', 'refused'])).code).toBe(1)
})

test('[cred.inputs] --basic composes the header of a user and a password, which is not shown anywhere', async () => {
  const args = ['add', 'site', '--yes', '--url', remote.url, '--basic', 'ann']
  const absent = await daemon.cli(args)
  expect([absent.code, absent.stderr]).toEqual([4, expect.stringContaining('MCPMUX_PASSWORD')])
  const { code, stderr } = await daemon.cli(args, { env: { MCPMUX_PASSWORD: 'pass:word-93' } })
  expect([code, stderr]).toEqual([0, expect.stringContaining('value    user: ann')])
  const basic = Buffer.from('ann:pass:word-93').toString('base64')
  expect(await given<Record<string, string>>('site')).toMatchObject({ authorization: `Basic ${basic}` })
  for (const words of [
    ['show', 'site'],
    ['show', 'site', '--json'],
    ['credentials'],
    ['audit'],
    ['logs', '--all'],
  ]) {
    const out = await ok(words)
    expect([words, out.includes('word-93'), out.includes(basic)]).toEqual([words, false, false])
  }
  const colon = await daemon.cli(['add', 'colon', '--yes', '--url', remote.url, '--basic', 'a:b'], {
    env: { MCPMUX_PASSWORD: 'x' },
  })
  expect([colon.code, colon.stderr]).toEqual([1, expect.stringContaining('cannot have a colon')])
})

test('[cred.inputs] a secret of a Space is kept once, used by several servers, and a new value reaches them all', async () => {
  expect(await ok(['secret', 'set', 'shared'], { stdin: 'one-44\n' })).toBe(
    'shared is set in Space Default; used by nobody\n',
  )
  await ok(['add', 'first', '--yes', '--env', 'TOKEN=${secret:shared}', '--', ...program])
  await ok([
    'add',
    'second',
    '--yes',
    '--url',
    remote.url,
    '--header',
    'Authorization: Bearer ${secret:shared}',
  ])
  const both = async () => [
    (await given('first')).env.TOKEN,
    (await given<Record<string, string>>('second')).authorization,
  ]
  expect(await both()).toEqual(['one-44', 'Bearer one-44'])
  expect(await ok(['secret', 'set', 'shared', '--from-env', 'FROM'], { env: { FROM: 'two-45' } })).toContain(
    'used by first, second',
  )
  expect(await both()).toEqual(['two-45', 'Bearer two-45'])
  expect(await ok(['secret', 'list'])).toMatch(/^shared +\S+Z +first, second$/m)
  expect(await ok(['secret', 'list', '--json'])).not.toContain('two-45')

  const kept = await daemon.cli(['secret', 'remove', 'shared'])
  expect([kept.code, kept.stderr]).toEqual([
    4,
    expect.stringContaining('2 servers cannot start without shared'),
  ])
  expect((await gateway.ask('DELETE', '/secrets/shared')).text).toContain('secret.in_use')
  await ok(['secret', 'remove', 'shared', '--yes'])
  // It is stopped first, and that takes as long as its processes take to end.
  const { state } = await eventually(
    () => shown('first'),
    (seen) => seen.state.status === 'needs_input',
  )
  expect(state).toEqual({ status: 'needs_input', missing: ['${secret:shared}'] } as never)
  expect((await daemon.cli(['secret', 'remove', 'shared'])).stderr).toContain('secret.unknown')
})

test('[cred.inputs] names of secrets are words, and a value typed in place of one is not repeated', async () => {
  for (const name of ['a b', '../x', 'ä', '', 'x'.repeat(65), 'hush/hush=='])
    expect([name, await daemon.cli(['secret', 'set', name], { stdin: 'v' })]).toEqual([
      name,
      expect.objectContaining({ code: 2, stderr: expect.not.stringContaining('hush/hush') }),
    ])
  const typed = await daemon.cli(['secret', 'set', 'named', 'hush-hush'])
  expect([typed.code, typed.stderr]).toEqual([2, expect.stringContaining('input.secret_in_argv')])
  expect(typed.stderr).not.toContain('hush-hush')
  const { status } = await gateway.ask('PUT', '/secrets/a%20b', { value: 'x' })
  expect(status).toBe(422)
  expect((await daemon.cli(['secret', 'set', 'empty'], { stdin: '' })).code).toBe(1)
})

test('[cred.inputs] credentials says what is stored for whom, and gives and takes values', async () => {
  await ok(
    [
      ...[
        'add',
        'creds',
        '--yes',
        '--env',
        'API_KEY',
        '--env',
        'WHERE=${env:OUTSIDE}',
        '--env',
        'N=${secret:nil}',
      ],
      ...['--input', 'level:low|high=low', '--', ...program, '${input:level}'],
    ],
    { env: { API_KEY: 'key-60' } },
  ).catch(() => undefined)
  const table = await ok(['credentials', 'creds'])
  expect(table).toMatch(/^creds +API_KEY +secret +set \S+Z$/m)
  expect(table).toMatch(/^creds +level +choice +set$/m)
  expect(table).toMatch(/^creds +\$\{env:OUTSIDE\} +environment +there$/m)
  expect(table).toMatch(/^creds +\$\{secret:nil\} +of the Space +not set$/m)
  await ok(['secret', 'set', 'nil'], { stdin: 'nil-61' })
  expect((await given('creds')).env).toMatchObject({ API_KEY: 'key-60', WHERE: 'outside-71', N: 'nil-61' })

  await ok(['credentials', 'set', 'creds', 'API_KEY'], { stdin: 'key-62\n' })
  expect((await given('creds')).env.API_KEY).toBe('key-62')
  const typed = await daemon.cli(['credentials', 'set', 'creds', 'API_KEY', 'hush-hush'])
  expect([typed.code, typed.stderr]).toEqual([2, expect.not.stringContaining('hush-hush')])

  // What would run is another command line then.
  const changed = await daemon.cli(['credentials', 'set', 'creds', 'level', 'high'])
  expect([changed.code, changed.stderr]).toEqual([4, expect.stringContaining('+ high')])
  expect((await shown('creds')).state.status).toBe('needs_consent')
  const again = await daemon.cli(['credentials', 'set', 'creds', 'level', 'middle'])
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('low, high')])
  await ok(['consent', 'creds', '--yes'])
  expect((await given('creds')).args).toEqual(['high'])
  await ok(['credentials', 'set', 'creds', 'level', 'low', '--yes'])
  expect((await given('creds')).args).toEqual(['low'])

  // Whoever is told to repeat it with --yes approves by that.
  const refused = await daemon.cli(['credentials', 'set', 'creds', 'level', 'high'])
  expect(refused.code).toBe(4)
  const waits = await daemon.cli(['credentials', 'set', 'creds', 'level', 'high'])
  expect([waits.code, waits.stderr]).toEqual([4, expect.stringContaining('repeat with --yes')])
  await ok(['credentials', 'set', 'creds', 'level', 'high', '--yes'])
  expect((await given('creds')).args).toEqual(['high'])

  const removed = await daemon.cli(['credentials', 'remove', 'creds', 'API_KEY'])
  expect([removed.code, removed.stdout]).toEqual([4, 'creds: needs a value\n'])
  expect((await daemon.cli(['credentials', 'remove', 'creds', 'nothing'])).code).toBe(1)
  const json = JSON.parse(await ok(['credentials', '--json'])) as { server: string }[]
  expect(json.map(({ server }) => server)).toContain('creds')
  expect(JSON.stringify(json)).not.toMatch(/key-6|nil-61|outside-71/)
})

test('[cred.inputs] a server that refuses its credentials is left to the person, who is told how to give others', async () => {
  using refusing = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request) =>
      request.headers.get('authorization') === 'Bearer right-70'
        ? fetch(new Request(remote.url, request))
        : new Response('no', { status: 401 }),
  })
  const { code, stderr } = await daemon.cli(
    ['add', 'refusing', '--yes', '--url', `${refusing.url.origin}/mcp`, '--header', 'Authorization'],
    { env: { AUTHORIZATION: 'Bearer wrong-70' } },
  )
  expect([code, stderr]).toEqual([4, expect.stringContaining('upstream.credentials_refused')])
  expect(stderr).toContain('refusing is added, but not connected: ')
  expect(stderr).toContain('mcpmux credentials set refusing ID')
  const give = (stdin: string) => daemon.cli(['credentials', 'set', 'refusing', 'Authorization'], { stdin })
  const again = await give('Bearer wrong-71\n')
  expect([again.code, again.stdout, again.stderr]).toEqual([
    4,
    '',
    expect.stringContaining('upstream.credentials_refused'),
  ])
  expect(again.stderr).toContain('refusing is not connected: ')
  const right = await give('Bearer right-70\n')
  expect([right.code, right.stdout]).toEqual([0, expect.stringMatching(/^refusing: \d tools?$/m)])
})

test('[cred.inputs] a server that waited for its value is connected once it has it, so that its tools are known', async () => {
  const tools = async (name: string) =>
    (JSON.parse(await ok(['show', name, '--json'])) as { features: { tool: number } }).features.tool
  const definition = { type: 'stdio', command: program[0], args: [givenProgram], cwd: null } as const
  await gateway.add('late', { ...definition, env: { K: '${input:k}' } }, [
    { id: 'k', secret: true, value: null },
  ])
  expect(await tools('late')).toBe(0)
  expect(await ok(['credentials', 'set', 'late', 'k'], { stdin: 'late-80\n' })).toMatch(/^late: \d tools?$/m)
  expect(await tools('late')).toBeGreaterThan(0)

  await gateway.add('later', { ...definition, env: { K: '${secret:later}' } }, [])
  const { code, stderr } = await daemon.cli(['secret', 'set', 'later'], { stdin: 'late-81\n' })
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^later: \d tools?$/m)])
  expect(await tools('later')).toBeGreaterThan(0)
})

test('[cred.inputs] titles and descriptions of others are shown, and steer no terminal', async () => {
  const title = 'Level\u001b[2J\u202e of detail'
  await gateway.add(
    'described',
    { type: 'stdio', command: program[0], args: [givenProgram, '${input:level}'], env: {}, cwd: null },
    [{ id: 'level', secret: false, value: null, title, description: 'How much\nis said', default: 'low' }],
  )
  for (const words of [
    ['show', 'described'],
    ['credentials', 'set', 'described', 'level', 'x'],
  ]) {
    const { stdout, stderr } = await daemon.cli(words)
    expect(stdout + stderr).toContain('Level\\u{1b}[2J\\u{202e} of detail: How much\\u{a}is said')
  }
})

test('[cred.inputs] a client id is given with a server or later, its secret from the environment or stdin, and is forgotten', async () => {
  const env = { CLIENT_SECRET: 'hush-client-1' }
  const add = ['add', 'brought', '--yes', '--url', remote.url, '--client-id', 'app-1', '--client-secret']
  await ok(add, { env })
  const listed = async () => ok(['credentials', 'brought'])
  expect(await listed()).toMatch(/^brought +app-1 +client id, secret +given \S+Z, for the first issuer$/m)
  const client = ['credentials', 'client', 'brought']
  await ok([...client, '--client-id', 'app-2', '--client-secret'], { stdin: 'hush-client-2\n' })
  expect(await listed()).toMatch(/^brought +app-2 +client id, secret/m)
  await ok([...client, '--client-id', 'app-3', '--issuer', 'https://as.example'])
  expect(await listed()).toMatch(/^brought +app-3 +client id +given \S+Z, for https:\/\/as\.example$/m)
  const json = await ok(['credentials', '--json'])
  expect(json).toContain('app-3')
  expect(json).not.toContain('hush-client')
  await ok(client)
  expect(await listed()).toBe('')
  for (const args of [
    [...client, '--client-secret'],
    [...client, '--issuer', 'https://as.example'],
    ['credentials', 'set', 'brought', 'x', '--client-id', 'y'],
    ['credentials', 'brought', '--issuer', 'x'],
    ['add', 'here', '--client-id', 'x', '--', ...program],
  ])
    expect([args, (await daemon.cli(args)).code]).toEqual([args, 2])
  expect((await daemon.cli([...client, '--client-id', 'x', '--issuer', 'http://as.example'])).code).toBe(1)
})
