// What servers get of the values they were given: real processes and HTTP servers that say it.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GivenHttp, startGivenHttp } from '../servers/given-http'
import { givenStdio, givenThrough, type GivenToStdio } from '../support/given'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

let keyring: Keyring
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let remote: GivenHttp
let gateway: ReturnType<typeof givenThrough>
beforeAll(async () => {
  remote = startGivenHttp()
  keyring = await startKeyring()
  daemon = await startSourceDaemon({ ...keyring.env, OUTSIDE: 'from outside', EMPTY: '' })
  gateway = givenThrough(daemon)
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
  await remote[Symbol.asyncDispose]()
})

const http = (headers: Record<string, string>) => ({ type: 'http', url: remote.url, headers })
const values = (id: string, ...given: { id: string; value: string | null }[]) =>
  gateway.ask('PUT', `/servers/${id}/values`, { values: given })

test('[cred.inputs] inputs and variables are filled into environment values, also as a part of a text', async () => {
  const { id } = await gateway.add(
    'parts',
    givenStdio({
      DATABASE: 'postgres://${input:user}:${input:password}@db.example/x',
      SEEN: 'a ${input:user} b',
      TAKEN: '${env:OUTSIDE}',
      PLAIN: '${HOME} $OUTSIDE ${other:x}',
    }),
    [
      { id: 'user', secret: false, value: 'me' },
      { id: 'password', secret: true, value: 'p${input:user}$&' },
    ],
  )
  const { env } = await gateway.given<GivenToStdio>(id)
  expect(env).toMatchObject({
    // What is filled in is not looked into again.
    DATABASE: 'postgres://me:p${input:user}$&@db.example/x',
    SEEN: 'a me b',
    TAKEN: 'from outside',
    PLAIN: '${HOME} $OUTSIDE ${other:x}',
  })
  expect(env.OUTSIDE).toBeUndefined()
})

test('[cred.inputs] headers are filled in, and those of Basic are composed of two inputs', async () => {
  const { id } = await gateway.add(
    'headers',
    http({ Authorization: 'Bearer ${input:token}', 'X-Of': '${env:OUTSIDE}!' }),
    [{ id: 'token', secret: true, value: 'token-51' }],
  )
  expect(await gateway.given<object>(id)).toMatchObject({
    authorization: 'Bearer token-51',
    'x-of': 'from outside!',
  })
  const basic = await gateway.add('basic', http({ Authorization: '${basic:user:password}' }), [
    { id: 'user', secret: false, value: 'Zoë' },
    { id: 'password', secret: true, value: 'a:b ü' },
  ])
  expect(await gateway.given<object>(basic.id)).toMatchObject({
    authorization: `Basic ${Buffer.from('Zoë:a:b ü').toString('base64')}`,
  })
})

test('[cred.inputs] what has no value and needs none is left out: variables, headers, arguments with their option', async () => {
  const optional = (id: string, more: object = {}) => ({
    id,
    secret: false,
    value: null,
    required: false,
    ...more,
  })
  const { id } = await gateway.add(
    'optional',
    givenStdio({ A: '${input:a}', B: 'x ${input:b}', C: '${input:c}', KEY: '${input:key}' }, [
      '--level ${input:level}',
      '${input:rest}',
      '--on ${input:on}',
      'last',
    ]),
    [
      optional('a'),
      optional('b'),
      optional('c', { default: 'standard' }),
      { id: 'key', secret: true, value: null, required: false },
      optional('level', { type: 'choice', choices: ['low', 'high'] }),
      optional('rest', { multiple: true }),
      optional('on', { type: 'boolean', default: 'true' }),
    ],
  )
  const before = await gateway.given<GivenToStdio>(id)
  expect(before.args).toEqual(['--on', 'true', 'last'])
  expect([before.env.A, before.env.B, before.env.C, before.env.KEY]).toEqual([
    undefined,
    undefined,
    'standard',
    undefined,
  ])
  await values(
    id,
    { id: 'level', value: 'high' },
    { id: 'rest', value: 'one two\n--three' },
    { id: 'on', value: 'false' },
    { id: 'b', value: '' },
  )
  // Arguments decide what runs, and so do values.
  const { consent, definition, inputs, source } = await gateway.server(id)
  expect(consent).toBe(null)
  const shown = inputs.map((input) => ({
    id: input.id,
    secret: input.secret,
    value: input.value ?? input.default ?? null,
  }))
  await gateway.control.send('POST', `/servers/${id}/consent`, {
    givenBy: 'cli',
    definition,
    inputs: shown,
    source,
  })
  const after = await gateway.given<GivenToStdio>(id)
  expect(after.args).toEqual(['--level', 'high', 'one two', '--three', '--on', 'false', 'last'])
  expect(after.env.B).toBe('x ')

  const headers = await gateway.add(
    'optional-headers',
    http({ 'X-A': '${input:a}', 'X-Key': 'v ${input:key}' }),
    [optional('a'), { id: 'key', secret: true, value: null, required: false }],
  )
  const got = await gateway.given<Record<string, string>>(headers.id)
  expect([got['x-a'], got['x-key']]).toEqual([undefined, undefined])
})

test('[cred.inputs] what is missing is named, and nothing starts without it', async () => {
  const { id, state } = await gateway.add(
    'missing',
    givenStdio({
      A: '${env:NOWHERE}',
      B: '${env:EMPTY}',
      C: '${secret:none}',
      K: '${input:key}',
      L: '${input:l}',
    }),
    [
      { id: 'key', secret: true, value: null },
      { id: 'l', secret: false, value: null },
    ],
  )
  const missing = ['${env:NOWHERE}', '${env:EMPTY}', '${secret:none}', 'key', 'l']
  expect(state).toEqual({ status: 'needs_input', missing })
  const { text } = await gateway.ask('POST', `/servers/${id}/connect`, {})
  expect(JSON.parse(text).state).toEqual({ status: 'needs_input', missing })
  const restarted = await gateway.ask('POST', `/servers/${id}/restart`, {})
  expect(JSON.parse(restarted.text)).toEqual({
    code: 'upstream.needs_input',
    message:
      'server needs a value that is not set: ' +
      '${env:NOWHERE} (start McpMux where NOWHERE is set in the environment), ' +
      '${env:EMPTY} (start McpMux where EMPTY is set in the environment), ' +
      '${secret:none} ("mcpmux secret set none"), ' +
      'key ("mcpmux credentials set missing key"), l ("mcpmux credentials set missing l")',
  })
  const { stdout } = await daemon.cli(['status'])
  expect(stdout).toContain(
    '${secret:none} ("mcpmux secret set none"), key ("mcpmux credentials set missing key")',
  )
})

test('[cred.inputs] a file or folder is looked for at the start, and what is not there is said', async () => {
  const folder = join(daemon.home, 'given folder')
  const file = join(folder, 'file')
  const { id } = await gateway.add('paths', givenStdio({ FILE: '${input:file}' }, ['${input:folder}']), [
    { id: 'folder', secret: false, value: folder, type: 'folder' },
    { id: 'file', secret: false, value: file, type: 'file' },
  ])
  const started = async () => {
    const { text } = await gateway.ask('POST', `/servers/${id}/restart`, {})
    return (JSON.parse(text) as { message: string }).message
  }
  expect(await started()).toContain('the file its value file names is not there')
  mkdirSync(file, { recursive: true })
  expect(await started()).toContain('the file its value file names is no file')
  expect((await gateway.server(id)).state).toMatchObject({ status: 'failed', code: 'input.path' })
  rmSync(file, { recursive: true })
  writeFileSync(file, '')
  await gateway.control.send('POST', `/servers/${id}/restart`, {})
  const given = await gateway.given<GivenToStdio>(id)
  expect([given.args, given.env.FILE]).toEqual([[folder], file])
})

const one = (input: object) => [{ id: 'v', secret: false, value: null, ...input }]
const kinds: [what: string, input: object, good: string[], bad: string[]][] = [
  [
    'number',
    { type: 'number' },
    ['0', '-1.5', '1e3', '.5'],
    ['', 'x', '1,5', '0x10', ' 1', 'NaN', '1e999', '1\n'],
  ],
  ['bounded number', { type: 'number', min: 1, max: 5 }, ['1', '5'], ['0', '5.1']],
  ['boolean', { type: 'boolean' }, ['true', 'false'], ['', 'TRUE', 'yes', '1']],
  [
    'url',
    { type: 'url' },
    ['http://a.example', 'https://a.example:8/x?y#z'],
    [
      '',
      'a.example',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'https://u:p@a.example',
      'https://u@a.example',
      'https://a.example/\n--x',
      ' https://a.example',
      'https://a b.example',
      'HTTPS:a.example',
    ],
  ],
  ['choice', { type: 'choice', choices: ['a', 'b c'] }, ['a', 'b c'], ['', 'A', 'a\n', 'c']],
  [
    'file',
    { type: 'file' },
    ['/a/b', 'C:\\x'],
    ['', 'a', './a', '~/a', '../a', '--help', '/a\n/b', '/a\u0000', 'file:///a'],
  ],
  ['folders', { type: 'folder', multiple: true }, ['/a', '/a\n/b'], ['/a\nb', 'a\n/b']],
]
for (const [what, input, good, bad] of kinds)
  test(`[cred.inputs] a ${what} takes what is one, and refuses everything else, when it is declared and when it is given`, async () => {
    const definition = givenStdio({}, ['${input:v}'])
    const server = await gateway.add(`kind ${what}`, definition, one(input))
    for (const value of good)
      expect([value, (await values(server.id, { id: 'v', value })).status]).toEqual([value, 200])
    const [last] = good.slice(-1)
    for (const value of bad) {
      const { status, text } = await values(server.id, { id: 'v', value })
      expect([value, status, JSON.parse(text).code]).toEqual([value, 422, 'input.invalid'])
      for (const more of [{ value }, { default: value }]) {
        const made = await gateway.ask('PATCH', `/servers/${server.id}`, {
          inputs: one({ ...input, ...more }),
        })
        expect([value, made.status]).toEqual([value, 422])
      }
    }
    expect((await gateway.server(server.id)).inputs[0]).toMatchObject({ value: last ?? '' })
  })

test('[cred.inputs] declarations that contradict themselves are refused', async () => {
  const wrong: object[] = [
    { secret: true, type: 'number' },
    { secret: true, default: 'x' },
    { secret: true, choices: ['x'] },
    { secret: true, multiple: true },
    { type: 'choice' },
    { type: 'choice', choices: [] },
    { type: 'choice', choices: ['a', 'a'] },
    { choices: ['a'] },
    { type: 'text', min: 1 },
    { type: 'number', min: 2, max: 1 },
    { type: 'date' },
    { shell: 'x' },
  ]
  for (const input of wrong) {
    const { status } = await gateway.ask('POST', '/servers/check', {
      spaceId: (await gateway.control.get<{ id: string }[]>('/spaces'))[0]?.id,
      name: 'wrong',
      definition: givenStdio({ V: '${input:v}' }),
      inputs: one(input),
      source: 'cli',
    })
    expect([input, status]).toEqual([input, 422])
  }
})
