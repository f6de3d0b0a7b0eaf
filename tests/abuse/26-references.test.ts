// Secrets that reach a server as a part of a text, from the environment, from its Space or as Basic: they are where they
// belong, and in nothing that is answered, written or logged, whatever the server says of them.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { type GivenHttp, startGivenHttp } from '../servers/given-http'
import { createCanaries, type Find } from '../support/canaries'
import { eventually } from '../support/daemon'
import { bytesIn, filesBelow } from '../support/files'
import { givenStdio, givenThrough, type GivenToStdio } from '../support/given'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

const canaries = createCanaries()
const secrets = {
  part: canaries.plant('part of a text'),
  variable: canaries.plant('variable'),
  shared: canaries.plant('secret of the Space'),
  again: canaries.plant('secret of the Space given again'),
  password: canaries.plant('password of Basic'),
}
/** A header takes no quotes to be told apart from their escapes, and a user name no colon. */
const composed = {
  url: canaries.know('address with a password', `postgres://me:${secrets.part}@db.example/x`),
  basic: canaries.know('Basic', Buffer.from(`ann:${secrets.password}`).toString('base64')),
}

let keyring: Keyring
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let remote: GivenHttp
let gateway: ReturnType<typeof givenThrough>
let ids: string[] = []
beforeAll(async () => {
  remote = startGivenHttp()
  keyring = await startKeyring()
  daemon = await startSourceDaemon({ ...keyring.env, OUTSIDE: secrets.variable })
  gateway = givenThrough(daemon)
  await gateway.control.send('PUT', '/secrets/shared', { value: secrets.shared })
  const loud = givenStdio({
    LOUD: 'yes',
    DATABASE: 'postgres://me:${input:part}@db.example/x',
    TAKEN: 'a ${env:OUTSIDE} b',
    SHARED: '${secret:shared}',
  })
  const basic = { Authorization: '${basic:user:password}', 'X-Shared': 'is ${secret:shared}' }
  ids = [
    (await gateway.add('loud', loud, [{ id: 'part', secret: true, value: secrets.part }])).id,
    (
      await gateway.add('basic', { type: 'http', url: remote.url, headers: basic }, [
        { id: 'user', secret: false, value: 'ann' },
        { id: 'password', secret: true, value: secrets.password },
      ])
    ).id,
  ]
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
  await remote[Symbol.asyncDispose]()
})

test('[threat.26] [threat.53] [threat.73] composed secrets reach their server, and no answer, log, file or terminal', async () => {
  const [loud = '', basic = ''] = ids
  const env = async () => (await gateway.given<GivenToStdio>(loud)).env
  const headers = () => gateway.given<Record<string, string>>(basic)
  expect(await env()).toMatchObject({
    DATABASE: composed.url,
    TAKEN: `a ${secrets.variable} b`,
    SHARED: secrets.shared,
  })
  expect(await headers()).toMatchObject({
    authorization: `Basic ${composed.basic}`,
    'x-shared': `is ${secrets.shared}`,
  })

  const found: Find[] = []
  const search = (where: string, text: string | Uint8Array) => void found.push(...canaries.find(where, text))
  const stop = new AbortController()
  const events = await daemon.fetch('/events', { signal: stop.signal })
  search('set', (await gateway.ask('PUT', '/secrets/shared', { value: secrets.again })).text)
  expect((await env()).SHARED).toBe(secrets.again)
  expect((await headers())['x-shared']).toBe(`is ${secrets.again}`)

  const reads = [
    '/status',
    '/servers',
    '/credentials',
    '/secrets',
    '/consents',
    '/audit',
    '/logs?of=all',
    '/events',
  ]
  for (const path of [
    ...reads,
    ...ids.flatMap((id) => [
      `/servers/${id}`,
      `/credentials/${id}`,
      `/consents/${id}`,
      `/servers/${id}/logs`,
    ]),
  ]) {
    if (path === '/events') continue
    const { status, text } = await gateway.ask('GET', path)
    expect([path, status]).toEqual([path, 200])
    search(path, text)
  }
  const [space] = await gateway.control.get<{ id: string }[]>('/spaces')
  search('export', (await gateway.ask('GET', `/spaces/${space?.id}/export`)).text)
  for (const words of [
    ['show', 'loud'],
    ['show', 'basic', '--json'],
    ['credentials'],
    ['credentials', '--json'],
    ['secret', 'list', '--json'],
    ['list', '--json'],
    ['status'],
    ['audit', '--json'],
    ['logs', '--all'],
    ['logs', 'loud'],
    ['consent', 'loud', '--yes'],
  ]) {
    const { code, stdout, stderr } = await daemon.cli(words)
    expect([words, code]).toEqual([words, 0])
    search(words.join(' '), stdout + stderr)
  }
  // It was loud, and something else was heard of it.
  await eventually(daemon.log, (log) => log.includes('LOUD is yes'))
  search('stderr of the gateway', daemon.log())
  for (const file of filesBelow(daemon.dataDir)) search(file, bytesIn(file))
  search('argv of the gateway', readFileSync(`/proc/${daemon.pid}/cmdline`))
  const reader = events.body?.getReader()
  const first = await reader?.read()
  search('events', first?.value ?? '')
  stop.abort()
  expect(first?.value?.length ?? 0).toBeGreaterThan(100)
  expect(found).toEqual([])
})

test('[threat.26] [threat.53] what is wrong with a value is said without it', async () => {
  const [loud = '', basic = ''] = ids
  const secret = secrets.part
  const answers = [
    await gateway.ask('PUT', `/servers/${loud}/values`, {
      values: [{ id: 'part', value: `${secret}\u0000` }],
    }),
    await gateway.ask('PUT', `/servers/${loud}/values`, { values: [{ id: secret, value: secret }] }),
    await gateway.ask('PUT', `/servers/${basic}/values`, {
      values: [{ id: 'password', value: `${secret}\r\nX: y` }],
    }),
    await gateway.ask('PUT', `/servers/${basic}/values`, { values: [{ id: 'user', value: `${secret}:x` }] }),
    await gateway.ask('PATCH', `/servers/${loud}`, {
      inputs: [{ id: 'part', secret: true, value: secret, type: 'url' }],
    }),
    await gateway.ask('PATCH', `/servers/${loud}`, {
      inputs: [{ id: 'part', secret: true, value: null, default: secret }],
    }),
    await gateway.ask('PUT', '/secrets/shared', { value: `${secret}\u0000` }),
    await gateway.ask('PUT', '/secrets/shared', { value: [secret] }),
    await gateway.ask('PUT', `/secrets/${encodeURIComponent(secret)}`, { value: secret }),
  ]
  for (const { status, text } of answers) expect([status, canaries.find('answer', text)]).toEqual([422, []])
})
