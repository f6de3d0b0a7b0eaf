// A client with few rights at the door of a running gateway: whatever it asks, in either era, only what its sets say
// reaches the server, and what they do not say reads as if it were not there.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { until } from '../support/door'
import { modern, modernFetch } from '../support/modern-client'
import { nameMutations } from '../support/name-mutations'
import { mcpHeaders } from '../support/raw-client'
import { type Caller, openCaller } from '../support/scripted'
import { type SourceDaemon, startSourceDaemon } from '../support/source-daemon'
import { readEvents } from '../support/sse-reader'

let daemon: SourceDaemon
let file = ''
let fewKey = ''
let few: Caller
let all: Caller

const run = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await daemon.cli(args)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}
const offer = (...tools: string[]) => writeFileSync(file, tools.join(' '))
/** What reached the server since this was asked last. */
let seen = 0
function reached(): string[] {
  const lines = existsSync(`${file}.log`) ? readFileSync(`${file}.log`, 'utf8').trim().split('\n') : []
  const fresh = lines.slice(seen)
  seen = lines.length
  return fresh
}

beforeAll(async () => {
  daemon = await startSourceDaemon()
  file = join(daemon.home, 'tools')
  offer('look', 'burn', 'touch', 'announce')
  await run(
    'add',
    'shop',
    '--yes',
    '--',
    process.execPath,
    join(repository, 'tests/servers/rights-stdio.ts'),
    file,
  )
  const rules = [
    'tool:shop/look',
    'prompt:shop/greet',
    'resource:shop/note://open',
    'template:shop/note://{id}',
  ]
  await run('set', 'create', 'Few', ...rules.flatMap((rule) => ['--include', rule]))
  await run('set', 'create', 'Fewer', '--include', 'tool:shop/look')
  fewKey = await run('key', 'create', 'few', '--set', 'Few')
  few = await openCaller(daemon, fewKey)
  all = await openCaller(daemon, await run('key', 'create', 'all'))
  await all.call('shop_look')
})
afterAll(() => daemon[Symbol.asyncDispose]())

/** What is hidden, and the like of it that does not exist. */
const hidden: [method: string, of: (name: string) => object, there: string, nowhere: string][] = [
  ['tools/call', (name) => ({ name, arguments: {} }), 'shop_burn', 'shop_bury'],
  ['prompts/get', (name) => ({ name }), 'shop_curse', 'shop_cures'],
  ['resources/read', (uri) => ({ uri }), 'note://closed', 'else://closed'],
  ['resources/read', (uri) => ({ uri }), 'vault://x', 'fault://x'],
  ['resources/read', (uri) => ({ uri }), 'vault://of/a/template', 'fault://of/a/template'],
  [
    'completion/complete',
    (name) => ({ ref: { type: 'ref/prompt', name }, argument: { name: 'a', value: '' } }),
    'shop_curse',
    'shop_cures',
  ],
  [
    'completion/complete',
    (uri) => ({ ref: { type: 'ref/resource', uri }, argument: { name: 'id', value: '' } }),
    'vault://{id}',
    'fault://{id}',
  ],
]
const legacyOnly: typeof hidden = [
  ['resources/subscribe', (uri) => ({ uri }), 'note://closed', 'else://closed'],
  ['resources/unsubscribe', (uri) => ({ uri }), 'vault://x', 'fault://x'],
]

test('[threat.17] what is hidden answers like what is not there, in both eras, and nothing of it reaches the server', async () => {
  reached()
  const told = (text: string, name: string) => text.replaceAll(name, 'NAME').replace(/"id":\d+/, '"id":0')
  for (const [method, of, there, nowhere] of [...hidden, ...legacyOnly]) {
    const [one, other] = await Promise.all(
      [there, nowhere].map(async (name) => told(JSON.stringify(await few.request(method, of(name))), name)),
    )
    expect([method, there, one]).toEqual([method, there, other])
    expect(one).toContain('"error"')
  }
  for (const [method, of, there, nowhere] of hidden) {
    const [one, other] = await Promise.all(
      [there, nowhere].map(async (name) => {
        const answer = await modern(daemon.mcpUrl, fewKey, { method, params: { ...of(name) } })
        return `${answer.status} ${told(JSON.stringify(answer.message), name)}`
      }),
    )
    expect([method, there, one]).toEqual([method, there, other])
    expect(one).toContain('"error"')
  }
  expect(reached()).toEqual([])
  // What it may use answers, in both.
  expect(await few.call('shop_look')).toHaveProperty('result')
  expect(await few.request('resources/read', { uri: 'note://7' })).toHaveProperty('result')
  const looked = await modern(daemon.mcpUrl, fewKey, { method: 'tools/call', params: { name: 'shop_look' } })
  expect(looked.message).toHaveProperty('result')
  expect(reached()).toEqual(['tools/call look', 'resources/read note://7', 'tools/call look'])
})

test('[threat.17] no spelling of a name but the listed one goes through', async () => {
  expect(await few.names()).toEqual(['shop_look'])
  const tried = ['shop_look', 'shop_burn', 'shop_announce'].flatMap(nameMutations)
  expect(tried.length).toBeGreaterThan(200)
  reached()
  const accepted: string[] = []
  for (const name of tried) {
    const { error } = await few.call(name)
    if (error?.data?.code !== 'feature.unknown') accepted.push(name)
  }
  expect([accepted, reached()]).toEqual([[], []])
})

/** The stream on which a session hears of changes. */
const listen = async (caller: Caller, key: string, signal: AbortSignal) =>
  readEvents(
    await fetch(daemon.mcpUrl, {
      headers: { ...mcpHeaders(key), 'Mcp-Session-Id': caller.id, Accept: 'text/event-stream' },
      signal,
    }),
  )
const heard = (stream: ReturnType<typeof readEvents>): string[] =>
  stream.messages().map(({ method, params }) => {
    const { uri } = (params ?? {}) as { uri?: string }
    return uri === undefined ? String(method) : `${String(method)} ${uri}`
  })
const updated = 'notifications/resources/updated note://open'
const toolsChanged = 'notifications/tools/list_changed'

test('[threat.17] when rights shrink, subscriptions fall silent in both eras, and only what changed is announced', async () => {
  const over = new AbortController()
  const { signal } = over
  const stream = await listen(few, fewKey, signal)
  const modernStream = readEvents(
    await modernFetch(daemon.mcpUrl, fewKey, {
      method: 'subscriptions/listen',
      signal,
      params: {
        notifications: {
          toolsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: ['note://open', 'note://closed', 'vault://x'],
        },
      },
    }),
  )
  try {
    await until(() => modernStream.messages().length > 0)
    expect(modernStream.messages()[0]).toMatchObject({
      params: { notifications: { resourceSubscriptions: ['note://open'] } },
    })
    expect(await few.request('resources/subscribe', { uri: 'note://open' })).toHaveProperty('result')
    const touch = () => all.call('shop_touch', { uri: 'note://open' })
    await touch()
    await until(() => heard(stream).includes(updated) && heard(modernStream).includes(updated))
    const before = [heard(stream).length, heard(modernStream).length] as const

    await run('grant', 'few', '--set', 'Fewer', '--replace')
    await touch()
    expect(await few.request('resources/read', { uri: 'note://open' })).toHaveProperty('error')
    const resources = 'notifications/resources/list_changed'
    await until(() => heard(stream).includes(resources) && heard(modernStream).includes(resources))
    await touch()
    // What comes behind these on the same streams shows that nothing came before.
    await run('grant', 'few', '--set', 'All', '--replace')
    await until(() => heard(stream).includes(toolsChanged) && heard(modernStream).includes(toolsChanged))
    const between = [heard(stream).slice(before[0]), heard(modernStream).slice(before[1])].map((list) =>
      list.slice(0, list.indexOf(toolsChanged)),
    )
    for (const list of between) {
      expect(list).not.toContain(updated)
      // Its tools stayed the same when it lost the rest.
      expect(list[0]).not.toBe(toolsChanged)
    }
    await touch()
    await until(() => heard(stream).at(-1) === updated && heard(modernStream).at(-1) === updated)
  } finally {
    await run('grant', 'few', '--set', 'Few', '--replace')
    over.abort()
  }
})

test('[threat.17] a tool that appears later is in a set that says so, and in none of single tools', async () => {
  const watcher = await openCaller(daemon, await run('key', 'create', 'watcher', '--set', 'All'))
  offer('look', 'burn', 'touch', 'announce', 'late')
  await all.call('shop_announce')
  await until(async () => (await watcher.names()).includes('shop_late'))
  expect(await few.names()).toEqual(['shop_look'])
  expect((await few.call('shop_late')).error?.data?.code).toBe('feature.unknown')
})

test('[threat.17] a renamed set keeps its clients, one of its old name gives nothing, a removed one closes', async () => {
  await run('set', 'edit', 'Few', '--rename', 'Some')
  expect(await few.names()).toEqual(['shop_look'])
  await run('set', 'create', 'Few', '--include', 'all')
  expect(await few.names()).toEqual(['shop_look'])
  await run('set', 'remove', 'Some')
  expect(await few.names()).toEqual([])
  reached()
  for (const [method, params] of [
    ['tools/call', { name: 'shop_look' }],
    ['prompts/get', { name: 'shop_greet' }],
    ['resources/read', { uri: 'note://open' }],
  ] as const)
    expect(await few.request(method, params)).toHaveProperty('error')
  expect(reached()).toEqual([])
})
