// Values that want to be more than a value: other references, more headers, options, paths; and references that want
// what no server is given. Real processes and HTTP servers say what came of it.
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GivenHttp, startGivenHttp } from '../servers/given-http'
import { givenStdio, givenThrough, type GivenToStdio } from '../support/given'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

const ours = {
  MCPMUX_KEY: 'ours-1',
  MCPMUX_PASSWORD: 'ours-2',
  LD_X: 'ours-3',
  PYTHONPATH: 'ours-4',
  DYLD_X: 'ours-5',
}
let keyring: Keyring
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let remote: GivenHttp
let gateway: ReturnType<typeof givenThrough>
beforeAll(async () => {
  remote = startGivenHttp()
  keyring = await startKeyring()
  const more = { OUTSIDE: 'outside-11', BROKEN: 'a\r\nX-Smuggled: yes', ...ours }
  daemon = await startSourceDaemon({ ...keyring.env, ...more })
  gateway = givenThrough(daemon)
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
  await remote[Symbol.asyncDispose]()
})

const http = (headers: Record<string, string>) => ({ type: 'http', url: remote.url, headers })
const text = (id: string, value: string) => ({ id, secret: false, value })
const secret = (id: string, value: string) => ({ id, secret: true, value })
const check = async (definition: object, inputs: object[] = []) => {
  const [space] = await gateway.control.get<{ id: string }[]>('/spaces')
  const body = { spaceId: space?.id, name: 'checked', definition, inputs, source: 'cli' }
  const { status, text: answer } = await gateway.ask('POST', '/servers/check', body)
  return `${status} ${(JSON.parse(answer) as { code?: string }).code ?? ''}`.trim()
}

test('[threat.52] [cred.inputs] what is filled in is taken as it is: no value asks for another one', async () => {
  await gateway.control.send('PUT', '/secrets/shared', { value: '${input:a} ${env:OUTSIDE}' })
  const nasty = '${env:OUTSIDE} ${secret:shared} ${input:b} $& $1 $$ `id` $(id) %PATH% \' " \\ ; & | é\u202e'
  const { id } = await gateway.add(
    'literal',
    givenStdio({ A: '${input:a}', B: '<${input:b}>', S: '${secret:shared}' }, [
      '${input:a}',
      '-x ${input:a}',
    ]),
    [text('a', nasty), secret('b', nasty)],
  )
  const { env, args } = await gateway.given<GivenToStdio>(id)
  expect([env.A, env.B, env.S]).toEqual([nasty, `<${nasty}>`, '${input:a} ${env:OUTSIDE}'])
  expect(args).toEqual([nasty, '-x', nasty])
})

test('[threat.52] a value is one argument, whatever is in it, and its option is the one that was approved', async () => {
  const values = ['--help', '-c evil', 'a b', '', '\n', "';--x", '*', '~', '--x=1\n--y', '${input:v}']
  for (const value of values) {
    const { id } = await gateway.add(
      `argument ${values.indexOf(value)}`,
      givenStdio({}, ['--set ${input:v}', 'end']),
      [text('v', value)],
    )
    expect((await gateway.given<GivenToStdio>(id)).args).toEqual(['--set', value, 'end'])
  }
})

test('[threat.52] variables that steer McpMux, or hold a key to it, are given to no server', async () => {
  for (const name of [...Object.keys(ours), 'NODE_OPTIONS', 'BUN_OPTIONS', 'mcpmux_key', 'LD_PRELOAD'])
    for (const value of [`\${env:${name}}`, `x \${env:${name}} y`]) {
      expect([name, await check(givenStdio({ A: value }))]).toEqual([name, '422 input.invalid'])
      expect([name, await check(http({ 'X-A': value }))]).toEqual([name, '422 input.invalid'])
    }
  const { id } = await gateway.add('plain', givenStdio({ A: 'b' }))
  const { env } = await gateway.given<GivenToStdio>(id)
  expect(Object.values(env).filter((value) => /ours-|outside-11/.test(value))).toEqual([])
})

test('[threat.52] what decides which code runs is no secret, and no reference is anywhere else', async () => {
  const input = [secret('s', 'v')]
  for (const name of ['PATH', 'NODE_OPTIONS', 'LD_PRELOAD', 'PYTHONPATH', 'BUN_OPTIONS'])
    for (const value of ['${env:OUTSIDE}', '${secret:shared}', '/x:${input:s}'])
      expect([
        name,
        value,
        await check(givenStdio({ [name]: value }), value.includes('input') ? input : []),
      ]).toEqual([name, value, '422 input.invalid'])
  const { env: _, ...plain } = givenStdio({})
  for (const value of ['${input:a}', '${env:OUTSIDE}', '/x/${secret:shared}']) {
    expect(await check({ ...plain, env: {}, command: value })).toBe('422 input.invalid')
    expect(await check({ ...plain, env: {}, cwd: `/tmp/${value}` })).toBe('422 input.invalid')
    expect(await check({ type: 'http', url: `https://a.example/${value}`, headers: {} })).toBe(
      '422 input.invalid',
    )
  }
})

test('[threat.52] [cred.inputs] references that are not quite one are refused, never taken for text', async () => {
  const wrong = [
    '${input:',
    '${input:}',
    '${env:}',
    '${env:A-B}',
    '${env:1}',
    '${env:A\u0000}',
    '${secret:}',
    '${secret:../x}',
    '${secret:a b}',
    '${basic:}',
    '${basic:a}',
    '${basic::b}',
    '${basic:a:}',
    '${input:a${input:b}}',
  ]
  for (const value of wrong) {
    expect([value, await check(givenStdio({ A: `x${value}` }))]).toEqual([value, '422 input.invalid'])
    expect([value, await check(http({ 'X-A': value }))]).toEqual([value, '422 input.invalid'])
  }
  const pair = [text('u', 'a'), secret('p', 'b')]
  expect(await check(http({ 'X-A': '${basic:u:p}' }), pair)).toBe('200')
  for (const definition of [http({ 'X-A': 'x${basic:u:p}' }), givenStdio({ A: '${basic:u:p}' })])
    expect(await check(definition, pair)).toBe('422 input.invalid')
  expect(await check(http({ 'X-A': '${basic:p:u}' }), pair)).toBe('422 input.invalid')
})

test('[threat.52] no value breaks out of a header, wherever it comes from', async () => {
  const breaks = ['a\r\nX-Smuggled: yes', 'a\nX-Smuggled: yes', 'a\r']
  for (const value of breaks) {
    expect(await check(http({ 'X-A': '${input:v}' }), [text('v', value)])).toBe('422 input.invalid')
    expect(await check(http({ 'X-Key': 'x ${input:v}' }), [secret('v', value)])).toBe('422 input.invalid')
    expect(
      await check(http({ 'X-A': '${input:v}' }), [{ ...text('v', 'good'), value: null, default: value }]),
    ).toBe('422 input.invalid')
  }
  await gateway.control.send('PUT', '/secrets/broken', { value: breaks[0] ?? '' })
  for (const [name, header] of Object.entries({ env: 'x ${env:BROKEN}', space: '${secret:broken}' })) {
    const before = remote.requests.length
    const { id } = await gateway.add(`breaks by ${name}`, http({ 'X-A': header }))
    const { text: answer } = await gateway.ask('POST', `/servers/${id}/connect`, {})
    expect(JSON.parse(answer)).toMatchObject({ state: { status: 'failed', code: 'input.invalid' } })
    expect(answer).not.toContain('Smuggled')
    expect(remote.requests.slice(before)).toEqual([])
  }
  expect(remote.requests.join('\n')).not.toMatch(/smuggled/i)
})

test('[threat.52] a secret somebody wrote into an argument behind us reaches no command line', async () => {
  const { id } = await gateway.add('behind', givenStdio({ K: '${input:k}' }, ['${input:v}']), [
    secret('k', 'canary-behind'),
    text('v', 'open'),
  ])
  expect((await gateway.given<GivenToStdio>(id)).args).toEqual(['open'])
  {
    using database = new Database(join(daemon.dataDir, 'mcpmux.db'))
    const change = `UPDATE servers SET definition = json_set(definition, '$.args[1]', '\${input:k}') WHERE id = $id`
    expect(database.query(change).run({ $id: id }).changes).toBe(1)
  }
  const { definition, source } = await gateway.server(id)
  const inputs = [
    { id: 'k', secret: true, value: null },
    { id: 'v', secret: false, value: 'open' },
  ]
  await gateway.control.send('POST', `/servers/${id}/consent`, { givenBy: 'cli', definition, inputs, source })
  const { text: answer } = await gateway.ask('POST', `/servers/${id}/restart`, {})
  expect(JSON.parse(answer)).toMatchObject({ code: 'upstream.needs_input' })
})

test('[threat.52] [cred.inputs] a path is looked at for what it is, links followed, and is never a relative one', async () => {
  const place = join(daemon.home, 'paths')
  mkdirSync(join(place, 'folder'), { recursive: true })
  writeFileSync(join(place, 'file'), '')
  symlinkSync(join(place, 'folder'), join(place, 'to-folder'))
  symlinkSync(join(place, 'nowhere'), join(place, 'dangling'))
  const state = async (type: string, value: string) => {
    const name = `path ${type} ${value.length} ${value.slice(-8).replaceAll('/', ' ')}`
    const { id } = await gateway.add(name, givenStdio({}, ['${input:v}']), [{ ...text('v', value), type }])
    await gateway.ask('POST', `/servers/${id}/connect`, {})
    const { state: found } = await gateway.server(id)
    return found.status === 'failed' ? found.code : found.status
  }
  expect(await state('folder', join(place, 'to-folder'))).toBe('ready')
  expect(await state('folder', `${place}/x/../folder`)).toBe('input.path')
  expect(await state('file', join(place, 'to-folder'))).toBe('input.path')
  expect(await state('file', join(place, 'dangling'))).toBe('input.path')
  expect(await state('file', join(place, 'file', 'x'))).toBe('input.path')
  expect(await state('file', `/${'x'.repeat(5000)}`)).toBe('input.path')
})

test('[threat.18] [space.isolation] [threat.56] a secret of another Space is not there, not even when its row is copied', async () => {
  const other = await gateway.control.send<{ id: string }>('POST', '/spaces', { name: 'Elsewhere' })
  const [space] = await gateway.control.get<{ id: string }[]>('/spaces')
  await gateway.control.send('PUT', '/secrets/moved', { value: 'canary-of-default' })
  const definition = givenStdio({ TOKEN: '${secret:moved}' })
  const { id, state } = await gateway.add('moved', definition, [], other.id)
  expect(state).toEqual({ status: 'needs_input', missing: ['${secret:moved}'] })
  {
    using database = new Database(join(daemon.dataDir, 'mcpmux.db'))
    database
      .query(
        `INSERT INTO space_secrets SELECT $to, name, key_id, envelope, updated_at FROM space_secrets
         WHERE space_id = $from AND name = 'moved'`,
      )
      .run({ $to: other.id, $from: space?.id ?? '' })
  }
  const { text: answer } = await gateway.ask('POST', `/servers/${id}/connect`, {})
  expect(answer).not.toContain('canary-of-default')
  expect((await gateway.server(id)).state).toMatchObject({ status: 'failed', code: 'credential.unreadable' })
})
