import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { absentKey, createLists } from '../../gateway/router/lists'
import type { Absence } from '../../gateway/router/ports'
import { feature, include, policyWorld, server, settingsWith } from '../support/policy-data'

function build(count: number, pageSize = 10) {
  const world = policyWorld()
  world.add(server('s'), { tool: Array.from({ length: count }, (_, n) => `t${n}`), prompt: ['p'] })
  const absent: Absence[] = []
  const sizes = { 'limits.page_size': pageSize }
  const lists = createLists({ settings: settingsWith(sizes), absences: () => absent })
  const raw = (cursor: string | null = null, clientId = 'all') =>
    lists.page(world.views.view(clientId, 'home'), 'tool', cursor)
  const page = (cursor: string | null = null, clientId = 'all') =>
    JSON.parse(new TextDecoder().decode(raw(cursor, clientId))) as {
      tools: { name: string }[]
      nextCursor?: string
      _meta?: Record<string, unknown>
    }
  const change = (names: readonly string[]) => {
    world.features.set(
      's',
      names.map((name, position) => feature('s', 'tool', name, { position })),
    )
    world.events.emit('catalog.changed', { spaceId: 'home', serverId: 's', kinds: ['tools'] })
  }
  /** Everything from a cursor on. */
  const rest = (cursor: string | undefined): string[] => {
    const all: string[] = []
    for (let next = cursor; next !== undefined; ) {
      const { tools, nextCursor } = page(next)
      all.push(...tools.map(({ name }) => name))
      next = nextCursor
    }
    return all
  }
  return { world, lists, absent, sizes, raw, page, rest, change }
}

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `s_t${from + n}`)
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
  return 'nothing thrown'
}

test('[mcp.pagination] pages join to the whole list, in order, and the last has no cursor', () => {
  for (const count of [0, 1, 9, 10, 11, 20, 25]) {
    const { page, rest } = build(count)
    const first = page()
    expect(first.tools.length).toBe(Math.min(count, 10))
    expect([...first.tools.map(({ name }) => name), ...rest(first.nextCursor)]).toEqual(numbered(0, count))
    expect('nextCursor' in first).toBe(count > 10)
  }
})

test('[mcp.tools] a list that did not change is the same bytes, for every client that sees the same', () => {
  const { world, raw } = build(5)
  const first = raw()
  expect(raw()).toBe(first)
  world.grant('other', 'set', [include({ type: 'server', serverId: 's' })])
  world.events.emit('policy.changed', { spaceId: 'home', clientId: 'other' })
  expect(raw(null, 'other')).toBe(first)
})

test('[mcp.pagination] a changed page size acts at once', () => {
  const { page, sizes } = build(25)
  expect(page().tools).toHaveLength(10)
  sizes['limits.page_size'] = 7
  expect(page().tools).toHaveLength(7)
})

test('[mcp.pagination] a cursor still leads on when the list changed in between', () => {
  const all = Array.from({ length: 25 }, (_, n) => `t${n}`)
  const left = (names: readonly string[]) => {
    const { page, rest, change } = build(25)
    const { nextCursor } = page()
    change(names)
    return rest(nextCursor)
  }
  expect(left(['new', ...all])).toEqual(numbered(10, 25))
  expect(left(all.slice(3))).toEqual(numbered(10, 25))
  expect(left(all.filter((name) => name !== 't9'))).toEqual(numbered(10, 25))
  expect(left([...all.slice(0, 12), 'late', ...all.slice(12)])).toContain('s_late')
  expect(left(['t1'])).toEqual([])
})

test('[mcp.pagination] [threat.47] what is no cursor of ours is refused', () => {
  const { page, lists, world } = build(25)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const own = page().nextCursor ?? ''
  const bad = [
    '',
    ' ',
    'x',
    '💥',
    `${own}=`,
    own.slice(1),
    'a'.repeat(20_000),
    encode(null),
    encode(['tool']),
    encode({}),
  ]
  bad.push(
    encode(['tool', 0, 's_t1']),
    encode(['tool', -1, 'x']),
    encode(['tool', 1.5, 'x']),
    encode(['tool', '1', 'x']),
  )
  bad.push(encode(['prompt', 10, 's_t9']), encode(['tool', 10, 's_t9', 1]))
  expect(bad.map((cursor) => code(() => page(cursor)))).toEqual(bad.map(() => 'cursor.invalid'))
  expect(code(() => lists.page(world.views.view('all', 'home'), 'prompt', own))).toBe('cursor.invalid')
})

test('[threat.17] a cursor that names a hidden feature tells nothing about it', () => {
  const { world, page } = build(25)
  world.grant('few', 'set', [include({ type: 'pattern', pattern: 's/t1*' })])
  world.events.emit('policy.changed', { spaceId: 'home', clientId: 'few' })
  const probe = (name: string) => Buffer.from(JSON.stringify(['tool', 3, name])).toString('base64url')
  expect(page(probe('s_t5'), 'few')).toEqual(page(probe('s_not_there'), 'few'))
})

test('[gw.transparent] entries are the bytes the server sent', () => {
  const { world, raw } = build(0)
  const descriptor =
    '{"name":"t","inputSchema":{"maximum":9007199254740993,"x":1e400,"d":1,"d":2},"acme" : 1.0}'
  world.features.set('s', [feature('s', 'tool', 't', { descriptor })])
  world.events.emit('catalog.changed', { spaceId: 'home', serverId: 's', kinds: ['tools'] })
  expect(new TextDecoder().decode(raw())).toBe(`{"tools":[${descriptor.replace('"t"', '"s_t"')}]}`)
})

test('[catalog.offline] a list names the servers it may be missing, to those who could see them', () => {
  const { world, absent, page } = build(3)
  expect(page()._meta).toBeUndefined()
  world.add(server('new', { position: 9 }), {})
  world.add(server('hidden', { position: 9 }), { tool: ['x'] })
  world.grant('some', 'set', [
    include({ type: 'server', serverId: 's' }),
    include({ type: 'server', serverId: 'new' }),
  ])
  world.events.emit('server.changed', { spaceId: 'home', serverId: 'new' })
  absent.push({ alias: 'new', reason: 'connecting' }, { alias: 'hidden', reason: 'needs_consent' })
  expect(page()._meta).toEqual({
    [absentKey]: [
      { server: 'new', reason: 'connecting' },
      { server: 'hidden', reason: 'needs_consent' },
    ],
  })
  expect(page(null, 'some')._meta).toEqual({ [absentKey]: [{ server: 'new', reason: 'connecting' }] })
  expect(page(null, 'some').tools).toHaveLength(3)
  expect(page(null, 'nobody')).toEqual({ tools: [] })
})
