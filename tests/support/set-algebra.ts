// Feature Sets at random, and what they should allow, worked out the slow way.
import fc from 'fast-check'
import type { Feature, FeatureKind, FeaturePin } from '../../gateway/domain/feature'
import type { FeatureSet, Grant, Member, MemberTarget } from '../../gateway/domain/policy'
import { selectContents } from '../../gateway/policy/contents'
import { explainPolicy } from '../../gateway/policy/explain'
import { exposedName } from '../../gateway/policy/naming'
import { prepareServer } from '../../gateway/policy/prepare'
import { compilePolicy } from '../../gateway/policy/resolve'
import { createView } from '../../gateway/policy/view'
import { feature, server, set } from './policy-data'

const aliases = ['a', 'b', '']
const kinds: FeatureKind[] = ['tool', 'prompt', 'resource', 'template']
const names = ['x', 'y', 'x/y']
const hintNames = ['readOnly', 'destructive', 'idempotent', 'openWorld'] as const

/** What the tools claim: each way there is, the one of no hints with and without a person's word. */
const pins: (FeaturePin | null)[] = [
  {
    hints: { readOnly: true, destructive: true, idempotent: false, openWorld: true },
    acceptedByPerson: false,
  },
  {
    hints: { readOnly: false, destructive: false, idempotent: true, openWorld: false },
    acceptedByPerson: false,
  },
  {
    hints: { readOnly: false, destructive: true, idempotent: false, openWorld: true },
    acceptedByPerson: true,
  },
  { hints: null, acceptedByPerson: false },
  { hints: null, acceptedByPerson: true },
  null,
]
const catalog = aliases.map((alias, a) => {
  const serverId = `id-${alias}`
  const features = kinds.flatMap((kind) =>
    names.map((name, n) =>
      feature(serverId, kind, name, {
        pin: kind === 'tool' ? (pins[(a * names.length + n) % pins.length] ?? null) : null,
      }),
    ),
  )
  return { alias, features }
})
const prepared = catalog.map(({ alias, features }) =>
  prepareServer(server(`id-${alias}`, { alias }), { serverId: `id-${alias}`, handshake: null, features }),
)
const label = ({ serverId, kind, name }: Feature): string => `${serverId.slice(3)}/${name} ${kind}`
const grantsOf = (granted: readonly string[]): Grant[] =>
  granted.map((setId) => ({ clientId: 'c', spaceId: 'home', setId }))

/** What a call of each feature of the catalog finds in the view of the granted sets. */
export const resolved = (sets: readonly FeatureSet[], granted: readonly string[]): string[] => {
  const policy = compilePolicy(grantsOf(granted), sets)
  const contents = selectContents(prepared, policy, () => false, null)
  const view = createView({ spaceId: 'home', version: 1, contents, policy, space: prepared })
  const listed = new Set(kinds.flatMap((kind) => view.list(kind).map((entry) => label(entry.feature))))
  return catalog.flatMap(({ alias, features }) =>
    features
      .filter((one) => {
        // URIs that two servers offer are exposed in another form; those are looked for in the list.
        if (one.kind === 'resource' || one.kind === 'template') return listed.has(label(one))
        const found = view.lookup(one.kind, exposedName(alias, one.name))
        return found?.feature.serverId === one.serverId
      })
      .map(label),
  )
}

/** What the reasons given to a person say of each feature. */
export const explained = (sets: readonly FeatureSet[], granted: readonly string[]): string[] => {
  const explain = explainPolicy(grantsOf(granted), sets)
  return catalog.flatMap(({ alias, features }) =>
    features.filter((one) => explain(alias, one).allowed).map(label),
  )
}

export const one = (alias: string, kind: FeatureKind, name: string): MemberTarget => ({
  type: 'feature',
  serverId: `id-${alias}`,
  kind,
  name,
})
export const inside = (setId: string): MemberTarget => ({ type: 'set', setId })

/** The definition as it is written, with sets of strings. */
export function reference(sets: readonly FeatureSet[], granted: readonly string[]): string[] {
  const everything = catalog.flatMap(({ alias, features }) => features.map((one) => ({ alias, one })))
  const key = label
  const claims = (one: Feature, hint: (typeof hintNames)[number]): boolean => {
    const said = one.pin?.hints
    if (hint === 'readOnly') return said ? said.readOnly : false
    if (hint === 'idempotent') return said ? said.readOnly || said.idempotent : false
    if (hint === 'openWorld') return said ? said.openWorld : true
    return said ? !said.readOnly && said.destructive : one.pin?.acceptedByPerson !== true
  }
  const pick = (target: MemberTarget, mode: Member['mode']): string[] =>
    everything
      .filter(({ alias, one }) => {
        if (target.type === 'all') return true
        if (target.type === 'server') return one.serverId === target.serverId
        if (target.type === 'feature')
          return one.serverId === target.serverId && one.kind === target.kind && one.name === target.name
        if (target.type === 'hint') return one.kind === 'tool' && claims(one, target.hint) === target.is
        if (target.type === 'gone') {
          if (mode === 'include' || target.alias !== alias) return false
          return (
            target.feature === null || (target.feature.kind === one.kind && target.feature.name === one.name)
          )
        }
        if (target.type !== 'pattern') return false
        if (target.kind !== undefined && target.kind !== one.kind) return false
        const source = target.pattern
          .split('*')
          .map((text) => text.replace(/[^\w]/g, '\\$&'))
          .join('[^]*')
        return new RegExp(`^${source}$`).test(`${alias}/${one.name}`)
      })
      .map(({ one }) => key(one))
  const find = (id: string) => sets.find((one) => one.id === id)
  const side = (id: string, mode: Member['mode']) =>
    find(id)?.members.filter((member) => member.mode === mode) ?? []
  const inc = (id: string): string[] =>
    side(id, 'include').flatMap(({ target }) =>
      target.type === 'set' ? inc(target.setId) : pick(target, 'include'),
    )
  const exc = (id: string): string[] => [
    ...side(id, 'exclude').flatMap(({ target }) =>
      target.type === 'set' ? effective([target.setId]) : pick(target, 'exclude'),
    ),
    ...side(id, 'include').flatMap(({ target }) => (target.type === 'set' ? exc(target.setId) : [])),
  ]
  const effective = (ids: readonly string[]): string[] => {
    const out = new Set(ids.flatMap(exc))
    return [...new Set(ids.flatMap(inc))].filter((name) => !out.has(name))
  }
  const left = new Set(effective(granted))
  return everything.map(({ one }) => key(one)).filter((name) => left.has(name))
}

export const target: fc.Arbitrary<MemberTarget> = fc.oneof(
  fc.constant<MemberTarget>({ type: 'all' }),
  fc.constantFrom(...aliases).map((alias): MemberTarget => ({ type: 'server', serverId: `id-${alias}` })),
  fc
    .tuple(fc.constantFrom(...aliases), fc.constantFrom(...kinds), fc.constantFrom(...names))
    .map(([alias, kind, name]) => one(alias, kind, name)),
  fc
    .array(fc.constantFrom('*', '**', 'a', '/', 'x', 'y', '.', '?'), { minLength: 1, maxLength: 4 })
    .map((parts): MemberTarget => ({ type: 'pattern', pattern: parts.join('') })),
  fc
    .tuple(fc.constantFrom('*', 'a/*', '*x', '*/*'), fc.constantFrom(...kinds))
    .map(([pattern, kind]): MemberTarget => ({ type: 'pattern', pattern, kind })),
  fc
    .tuple(fc.constantFrom(...hintNames), fc.boolean())
    .map(([hint, is]): MemberTarget => ({ type: 'hint', hint, is })),
  fc
    .tuple(
      fc.constantFrom(...aliases),
      fc.option(fc.tuple(fc.constantFrom(...kinds), fc.constantFrom(...names))),
    )
    .map(
      ([alias, of]): MemberTarget => ({
        type: 'gone',
        alias,
        server: 'removed',
        feature: of && { kind: of[0], name: of[1] },
      }),
    ),
)
const member = (inner: readonly string[]): fc.Arbitrary<Member> =>
  fc.record({
    mode: fc.constantFrom('include', 'exclude'),
    target: inner.length > 0 ? fc.oneof(target, fc.constantFrom(...inner).map(inside)) : target,
  })
/** Set number n may only build on smaller numbers: no cycles, as saving has it. */
export const world = fc.tuple(
  ...[0, 1, 2, 3, 4].map((n) =>
    fc
      .array(member(Array.from({ length: n }, (_, i) => `s${i}`)), { maxLength: 5 })
      .map((members) => set(`s${n}`, members)),
  ),
)
export const grantedSets = fc.subarray(['s0', 's1', 's2', 's3', 's4', 'gone'])

/** Sets as a damaged database may have them: some build on themselves, some on what is gone. */
export const wildWorld = fc.tuple(
  ...[0, 1, 2, 3, 4].map((n) =>
    fc
      .array(member(['s0', 's1', 's2', 's3', 's4', 'gone']), { maxLength: 4 })
      .map((members) => set(`s${n}`, members)),
  ),
)

/** Whether a granted set reaches itself or one that is gone, so that the grants mean nothing. */
export function meaningless(sets: readonly FeatureSet[], granted: readonly string[]): boolean {
  const reaches = (id: string, above: readonly string[]): boolean => {
    const found = sets.find((one) => one.id === id)
    if (!found || above.includes(id)) return true
    return found.members.some(({ target: to }) => to.type === 'set' && reaches(to.setId, [...above, id]))
  }
  return granted.some((id) => sets.some((one) => one.id === id) && reaches(id, []))
}
