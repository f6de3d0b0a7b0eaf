import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { MemberTarget } from '../../gateway/domain/policy'
import { parseRule, type RuleNames, ruleText } from '../../gateway/policy/rule-text'

const names: RuleNames = {
  servers: [
    { id: 'id-gh', alias: 'github', name: 'GitHub' },
    { id: 'id-plain', alias: '', name: 'Plain' },
    { id: 'id-slash', alias: '', name: 'io.example/server' },
    // Its name is the alias of another: it is written by its id.
    { id: 'id-mean', alias: '', name: 'github' },
  ],
  sets: [
    { id: 'set-work', name: 'Work: mornings' },
    { id: 'set-all', name: 'All' },
  ],
}
const tool = (serverId: string, name: string): MemberTarget => ({
  type: 'feature',
  serverId,
  kind: 'tool',
  name,
})

const written: [text: string, target: MemberTarget][] = [
  ['all', { type: 'all' }],
  ['server:github', { type: 'server', serverId: 'id-gh' }],
  ['server:Plain', { type: 'server', serverId: 'id-plain' }],
  ['server:id-slash', { type: 'server', serverId: 'id-slash' }],
  ['server:id-mean', { type: 'server', serverId: 'id-mean' }],
  ['github/*', { type: 'pattern', pattern: 'github/*' }],
  ['*delete*', { type: 'pattern', pattern: '*delete*' }],
  ['/unprefixed', { type: 'pattern', pattern: '/unprefixed' }],
  ['files/file:///a*', { type: 'pattern', pattern: 'files/file:///a*' }],
  ['tool:github/create_issue', tool('id-gh', 'create_issue')],
  ['tool:github/a/b', tool('id-gh', 'a/b')],
  ['tool:github/a\\*b\\\\c', tool('id-gh', 'a*b\\c')],
  ['tool:id-slash/x', tool('id-slash', 'x')],
  ['prompt:*', { type: 'pattern', pattern: '*', kind: 'prompt' }],
  ['tool:*/get_*', { type: 'pattern', pattern: '*/get_*', kind: 'tool' }],
  ['resource:*/a\\\\b*', { type: 'pattern', pattern: '*/a\\b*', kind: 'resource' }],
  ['resource:github/file:///x', { type: 'feature', serverId: 'id-gh', kind: 'resource', name: 'file:///x' }],
  [
    'template:github/f:///{+p\\*}',
    { type: 'feature', serverId: 'id-gh', kind: 'template', name: 'f:///{+p*}' },
  ],
  ['hint:readOnly', { type: 'hint', hint: 'readOnly', is: true }],
  ['hint:destructive=false', { type: 'hint', hint: 'destructive', is: false }],
  ['set:Work: mornings', { type: 'set', setId: 'set-work' }],
]

test('[sets] a rule reads as it is written, and is written as it reads', () => {
  for (const [text, target] of written) {
    expect([text, parseRule(text, names)]).toEqual([text, target])
    expect(ruleText(target, names)).toBe(text)
  }
  const loose: [string, MemberTarget][] = [
    ['  all ', { type: 'all' }],
    ['server:plain', { type: 'server', serverId: 'id-plain' }],
    ['set:ALL', { type: 'set', setId: 'set-all' }],
    ['hint:readonlyhint=true', { type: 'hint', hint: 'readOnly', is: true }],
  ]
  for (const [text, target] of loose) expect(parseRule(text, names)).toEqual(target)
})

test('[sets] a rule that cannot be read says what to write instead', () => {
  const wrong: [text: string, code: string, says: RegExp][] = [
    ['', 'input.invalid', /is no rule.*server:S/],
    ['github', 'input.invalid', /is no rule/],
    ['set:', 'input.invalid', /nothing after the colon/],
    ['tool:create_issue', 'input.invalid', /names no server/],
    ['tool:github/', 'input.invalid', /server:S/],
    ['tools:github/x', 'input.invalid', /not known/],
    ['hint:safe', 'input.invalid', /hint:readOnly/],
    ['hint:readOnly=yes', 'input.invalid', /hint:readOnly/],
    ['tool:github/a\\*b*', 'input.invalid', /both/],
    ['server:nobody', 'server.unknown', /nobody/],
    ['tool:nobody/x', 'server.unknown', /nobody/],
    ['set:Nothing', 'set.unknown', /Nothing/],
  ]
  for (const [text, code, says] of wrong) {
    const message = expect.stringMatching(says)
    expect(() => parseRule(text, names)).toThrow(expect.objectContaining({ code, message }))
  }
})

test('[sets] the rule of a removed server says so and cannot be written', () => {
  const feature = { kind: 'tool', name: 'x' } as const
  const gone: MemberTarget = { type: 'gone', alias: 'old', server: 'Old', feature }
  expect(ruleText(gone, names)).toBe('tool:old/x (server removed)')
  expect(ruleText({ ...gone, alias: '', feature: null }, names)).toBe('server:Old (server removed)')
  expect(() => parseRule('tool:old/x (server removed)', names)).toThrow()
})

test('[sets] the name of any one feature survives being written', () => {
  const name = fc.string({
    unit: fc.constantFrom('*', '\\', '/', ':', ' ', 'a', '=', '\n', 'ü'),
    minLength: 1,
  })
  fc.assert(
    fc.property(name, fc.constantFrom('tool', 'resource'), (text, kind) => {
      // Spaces around a rule are none of it.
      const target = { type: 'feature', serverId: 'id-gh', kind, name: `${text}.` } as const
      expect(parseRule(ruleText(target, names), names)).toEqual(target)
    }),
    { numRuns: 2000, seed: 8 },
  )
})
