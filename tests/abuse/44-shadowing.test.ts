import { expect, test } from 'bun:test'
import { exposedName } from '../../gateway/policy/naming'
import { looksWrapped, wrapUri } from '../../gateway/policy/uris'
import { feature, policyWorld, server } from '../support/policy-data'

/** Deterministic, so that a failure can be seen again. */
function sequence(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const pieces = [
  ...[
    '',
    '_',
    '__',
    '-',
    '.',
    '/',
    ' ',
    '\0',
    '\n',
    'a',
    'A',
    'а',
    'ａ',
    'á',
    'a\u0301',
    'b',
    'ß',
    'ss',
    '💥',
  ],
  ...[
    '\ud800',
    '\udfff',
    'gh',
    'gh_',
    'github',
    'create_issue',
    'x'.repeat(36),
    'x'.repeat(200),
    '%00',
    '\u200b',
    'ı',
    'I',
  ],
]
const aliases = [
  'a',
  'b',
  'gh',
  'github',
  'a-b',
  'a-',
  '-',
  '--',
  '0',
  'gh-2',
  'x'.repeat(20),
  `${'x'.repeat(19)}y`,
]

test('[threat.44] a hundred thousand adversarial pairs of alias and name keep apart', () => {
  const pick = sequence(44)
  const owners = new Map<string, string>()
  const pairs = new Set<string>()
  const collisions: string[] = []
  const claim = (alias: string, original: string): string => {
    const name = exposedName(alias, original)
    const pair = JSON.stringify([alias, original])
    if (pairs.has(pair)) return name
    pairs.add(pair)
    const owner = owners.get(name)
    if (owner !== undefined) collisions.push(`${owner} and ${pair} are both ${name}`)
    owners.set(name, pair)
    return name
  }
  while (pairs.size < 100_000) {
    const alias = aliases[pick(aliases.length)] ?? 'a'
    const original = Array.from({ length: 1 + pick(6) }, () => pieces[pick(pieces.length)]).join('')
    const name = claim(alias, original)
    // The server also offers what its own and other servers' names look like from outside.
    claim(alias, name)
    claim(alias, name.slice(alias.length + 1))
    claim(aliases[pick(aliases.length)] ?? 'a', name.slice(name.indexOf('_') + 1))
  }
  expect(collisions).toEqual([])
  expect([...owners.keys()].filter((name) => !/^[A-Za-z0-9_-]{1,50}$/.test(name))).toEqual([])
})

test('[threat.44] `a_b` of one server is never `b` of a server `a`', () => {
  expect(exposedName('a', 'b_c')).not.toBe(exposedName('a-b', 'c'))
  const world = policyWorld()
  world.add(server('a'), { tool: ['b_c', '_b', 'b__c'] })
  world.add(server('a-b'), { tool: ['c', '_c'] })
  const names = world.views
    .view('all', 'home')
    .list('tool')
    .map(({ exposedName: name }) => name)
  expect(new Set(names).size).toBe(5)
})

test('[threat.44] names do not change with order, other servers or a restart', () => {
  const build = (order: readonly string[], extra: boolean) => {
    const world = policyWorld()
    for (const [position, id] of order.entries()) {
      world.add(server(id, { position }), { tool: ['search', 'x'.repeat(80), 'a.b'], prompt: ['search'] })
    }
    if (extra) world.add(server('zz'), { tool: ['search'] })
    const view = world.views.view('all', 'home')
    return new Map(
      [...view.list('tool'), ...view.list('prompt')]
        .filter((entry) => entry.feature.serverId !== 'zz')
        .map((entry) => [
          `${entry.feature.serverId} ${entry.feature.kind} ${entry.feature.name}`,
          entry.exposedName,
        ]),
    )
  }
  const first = build(['a', 'b', 'c'], false)
  expect(first.size).toBe(12)
  for (const other of [build(['c', 'a', 'b'], false), build(['b', 'c', 'a'], true)]) {
    expect(new Map([...other].sort())).toEqual(new Map([...first].sort()))
  }
})

test('[threat.44] an unprefixed newcomer never takes a prefixed name, and is reported', () => {
  for (const enabled of [true, false]) {
    const world = policyWorld()
    world.add(server('evil', { alias: '', createdAt: 1, position: 0 }), { tool: ['gh_delete', 'own'] })
    world.add(server('gh', { createdAt: 9, position: 1, enabled }), { tool: ['delete'] })
    const view = world.views.view('all', 'home')
    expect(view.lookup('tool', 'gh_delete')?.feature.serverId).toBe(enabled ? 'gh' : undefined)
    expect(view.find('tool', 'own').feature.serverId).toBe('evil')
    expect(world.views.withheld('home')).toEqual([
      { serverId: 'evil', kind: 'tool', exposedName: 'gh_delete', ownerId: 'gh' },
    ])
  }
})

test('[threat.44] between two servers without a prefix the older name stays, whoever is listed first', () => {
  for (const positions of [
    [0, 1],
    [1, 0],
  ]) {
    const world = policyWorld()
    world.add(server('older', { alias: '', createdAt: 5, position: positions[0] ?? 0 }), { tool: ['search'] })
    world.add(server('newer', { alias: '', createdAt: 7, position: positions[1] ?? 0 }), {
      tool: ['search', 'b'],
    })
    expect(world.views.view('all', 'home').find('tool', 'search').feature.serverId).toBe('older')
    world.features.set('older', [feature('older', 'tool', 'search', { firstSeenAt: 20 })])
    world.features.set('newer', [feature('newer', 'tool', 'search', { firstSeenAt: 10 })])
    world.events.emit('catalog.changed', { spaceId: 'home', serverId: 'older', kinds: ['tools'] })
    world.events.emit('catalog.changed', { spaceId: 'home', serverId: 'newer', kinds: ['tools'] })
    expect(world.views.view('all', 'home').find('tool', 'search').feature.serverId).toBe('newer')
    expect(world.views.withheld('home').map(({ serverId }) => serverId)).toEqual(['older'])
  }
})

test('[threat.44] a second server with the same URI captures nothing: both are wrapped', () => {
  const world = policyWorld()
  world.add(server('a', { position: 0 }), { resource: ['file:///x', 'file:///own', 'ui://app/main'] })
  world.add(server('b', { position: 1 }), { resource: ['file:///x', 'ui://app/main'] })
  const view = world.views.view('all', 'home')
  expect(view.list('resource').map(({ exposedName: uri }) => uri)).toEqual([
    'mcpmux+a:file:///x',
    'file:///own',
    'ui://mcpmux+a/app/main',
    'mcpmux+b:file:///x',
    'ui://mcpmux+b/app/main',
  ])
  expect(view.route('mcpmux+b:file:///x')).toEqual({ serverId: 'b', uri: 'file:///x' })
  expect(view.route('ui://mcpmux+a/app/main')).toEqual({ serverId: 'a', uri: 'ui://app/main' })
  expect(view.route('file:///x')).toBeNull()
})

test('[threat.44] a URI that looks wrapped is wrapped itself, so that nobody can pose as another', () => {
  const world = policyWorld()
  world.add(server('a'), { resource: ['file:///x'] })
  world.add(server('b'), { resource: ['file:///x'] })
  world.add(server('evil'), {
    resource: ['mcpmux+a:file:///x', 'ui://mcpmux+a/y'],
    template: ['mcpmux+a:{+any}', '{+any}'],
  })
  const view = world.views.view('all', 'home')
  expect(view.route('mcpmux+a:file:///x')?.serverId).toBe('a')
  expect(view.route('mcpmux+a:file:///other')).toBeNull()
  const uris = view.list('resource').map(({ exposedName: uri }) => uri)
  expect(new Set(uris).size).toBe(uris.length)
  expect(uris).toContain('mcpmux+evil:mcpmux+a:file:///x')
})

test('[threat.44] wrapping is injective over labels and URIs', () => {
  const uris = ['', 'x', ':', '/', 'ui://', 'ui://x', 'file:///x', '{+p}', 'mcpmux+', 'ui:', 'UI://x']
  const all = uris.concat(aliases.flatMap((label) => uris.map((uri) => wrapUri(label, uri))))
  const wrapped = aliases.flatMap((label) => all.map((uri) => wrapUri(label, uri)))
  expect(new Set(wrapped).size).toBe(aliases.length * new Set(all).size)
  expect(wrapped.every(looksWrapped)).toBe(true)
})
