import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { FeatureSet, Member } from '../../gateway/domain/policy'
import { compileGlob, globCouldBeginWith } from '../../gateway/policy/glob'
import { compilePolicy } from '../../gateway/policy/resolve'
import { exclude, include, set } from '../support/policy-data'
import { grantedSets, inside, one, reference, resolved, target, world } from '../support/set-algebra'

const all: Member = include({ type: 'all' })
const cases: [title: string, sets: FeatureSet[], granted: string[], expected: (name: string) => boolean][] = [
  ['no grant allows nothing', [set('s', [all])], [], () => false],
  ['an empty set allows nothing', [set('s', [])], ['s'], () => false],
  ['a set that is gone allows nothing', [], ['s'], () => false],
  ['all includes everything', [set('s', [all])], ['s'], () => true],
  [
    'a server',
    [set('s', [include({ type: 'server', serverId: 'id-a' })])],
    ['s'],
    (name) => name.startsWith('a/'),
  ],
  [
    'one feature of one kind',
    [set('s', [include(one('a', 'tool', 'x'))])],
    ['s'],
    (name) => name === 'a/x tool',
  ],
  [
    'a pattern names alias/original name',
    [set('s', [include({ type: 'pattern', pattern: '*/x' })])],
    ['s'],
    (name) => name.split(' ')[0]?.endsWith('/x') === true,
  ],
  [
    'a pattern for a server without a prefix',
    [set('s', [include({ type: 'pattern', pattern: '/*' })])],
    ['s'],
    (name) => name.startsWith('/'),
  ],
  [
    'exclude wins in its own set, wherever it stands',
    [set('s', [exclude(one('a', 'tool', 'x')), all])],
    ['s'],
    (name) => name !== 'a/x tool',
  ],
  [
    'exclude of one set wins over all of another',
    [set('s', [all]), set('t', [exclude({ type: 'server', serverId: 'id-b' })])],
    ['s', 't'],
    (name) => !name.startsWith('b/'),
  ],
  [
    'exclude wins over a nested set',
    [set('s', [include(inside('t')), exclude(one('a', 'tool', 'x'))]), set('t', [all])],
    ['s'],
    (name) => name !== 'a/x tool',
  ],
  [
    'the excludes of a nested set count outside it',
    [set('s', [all, include(inside('t'))]), set('t', [exclude(one('a', 'tool', 'x'))])],
    ['s'],
    (name) => name !== 'a/x tool',
  ],
  [
    'an excluded set takes away what it allows, not what it excludes',
    [
      set('s', [all, exclude(inside('t'))]),
      set('t', [include({ type: 'server', serverId: 'id-a' }), exclude(one('a', 'tool', 'x'))]),
    ],
    ['s'],
    (name) => !name.startsWith('a/') || name === 'a/x tool',
  ],
  [
    'a set that contains itself makes the grants worth nothing',
    [set('s', [all]), set('t', [include(inside('u'))]), set('u', [include(inside('t'))])],
    ['s', 't'],
    () => false,
  ],
  [
    'an excluded set that is gone closes everything',
    [set('s', [all, exclude(inside('gone'))])],
    ['s'],
    () => false,
  ],
]

for (const [title, sets, granted, expected] of cases) {
  test(`[sets] ${title}`, () => {
    const everything = resolved([set('everything', [all])], ['everything'])
    expect(everything).toHaveLength(36)
    expect(resolved(sets, granted)).toEqual(everything.filter(expected))
  })
}

test('[sets] [threat.17] random set algebra agrees with the definition', () => {
  fc.assert(
    fc.property(world, grantedSets, (sets, granted) => {
      expect(resolved(sets, granted)).toEqual(reference(sets, granted))
    }),
    { numRuns: 1500 },
  )
})

test('[sets] one more exclude never allows more', () => {
  fc.assert(
    fc.property(world, grantedSets, target, (sets, granted, taken) => {
      const before = new Set(resolved(sets, granted))
      const more = [...sets, set('more', [exclude(taken)])]
      expect(resolved(more, [...granted, 'more']).filter((name) => !before.has(name))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('[sets] a lattice of sets costs its sets, not its paths', () => {
  const levels = 60
  const sets = [
    set('l0', [include({ type: 'server', serverId: 'id-a' })]),
    set('r0', [exclude(one('a', 'tool', 'x'))]),
  ]
  for (let n = 1; n < levels; n++) {
    for (const side of ['l', 'r']) {
      sets.push(set(`${side}${n}`, [include(inside(`l${n - 1}`)), include(inside(`r${n - 1}`))]))
    }
  }
  expect(resolved(sets, [`l${levels - 1}`])).toHaveLength(11)
})

test('[sets] a policy concerns a server it could allow something of, known or not', () => {
  const policy = (...members: Member[]) =>
    compilePolicy([{ clientId: 'c', spaceId: 'home', setId: 's' }], [set('s', members)])
  expect(policy(all).concerns('a', 'id-a')).toBe(true)
  expect(policy(include(one('a', 'tool', 'new'))).concerns('a', 'id-a')).toBe(true)
  expect(policy(include(one('a', 'tool', 'new'))).concerns('b', 'id-b')).toBe(false)
  expect(policy(include({ type: 'pattern', pattern: 'a/se*' })).concerns('a', 'id-a')).toBe(true)
  expect(policy(include({ type: 'pattern', pattern: 'a/se*' })).concerns('ab', 'id-ab')).toBe(false)
  expect(policy(all, exclude({ type: 'server', serverId: 'id-a' })).concerns('a', 'id-a')).toBe(false)
  expect(compilePolicy([], []).concerns('a', 'id-a')).toBe(false)
})

test('[sets] a star matches any run, slashes included; nothing else is special', () => {
  const matches = (pattern: string, text: string) => compileGlob(pattern)(text)
  expect(matches('a/*', 'a/b/c')).toBe(true)
  expect(matches('a/*', 'a/')).toBe(true)
  expect(matches('*', '')).toBe(true)
  expect(matches('a*b*c', 'aXbXbc')).toBe(true)
  expect(matches('ab*ba', 'aba')).toBe(false)
  expect(matches('a?', 'ab')).toBe(false)
  expect(matches('a.b', 'axb')).toBe(false)
  expect(matches('A/*', 'a/x')).toBe(false)
  expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000))).toBe(false)
  expect(globCouldBeginWith('*x', 'a/')).toBe(true)
  expect(globCouldBeginWith('a', 'a/')).toBe(false)
})
