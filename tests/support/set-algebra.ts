// Feature Sets at random, and what they should allow, worked out the slow way.
import fc from 'fast-check'
import type { Feature, FeatureKind } from '../../gateway/domain/feature'
import type { FeatureSet, Member, MemberTarget } from '../../gateway/domain/policy'
import { compilePolicy } from '../../gateway/policy/resolve'
import { feature, set } from './policy-data'

const aliases = ['a', 'b', '']
const kinds: FeatureKind[] = ['tool', 'prompt', 'resource', 'template']
const names = ['x', 'y', 'x/y']
const catalog = aliases.map((alias) => {
  const serverId = `id-${alias}`
  return { alias, features: kinds.flatMap((kind) => names.map((name) => feature(serverId, kind, name))) }
})

/** What the granted sets leave of the catalog. */
export const resolved = (sets: readonly FeatureSet[], granted: readonly string[]): string[] => {
  const policy = compilePolicy(
    granted.map((setId) => ({ clientId: 'c', spaceId: 'home', setId })),
    sets,
  )
  return catalog
    .flatMap(({ alias, features }) => features.filter((one) => policy.allows(alias, one)))
    .map(({ serverId, kind, name }) => `${serverId.slice(3)}/${name} ${kind}`)
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
  const key = (one: Feature) => `${one.serverId.slice(3)}/${one.name} ${one.kind}`
  const pick = (target: MemberTarget): string[] =>
    everything
      .filter(({ alias, one }) => {
        if (target.type === 'all') return true
        if (target.type === 'server') return one.serverId === target.serverId
        if (target.type === 'feature')
          return one.serverId === target.serverId && one.kind === target.kind && one.name === target.name
        if (target.type !== 'pattern') return false
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
    side(id, 'include').flatMap(({ target }) => (target.type === 'set' ? inc(target.setId) : pick(target)))
  const exc = (id: string): string[] => [
    ...side(id, 'exclude').flatMap(({ target }) =>
      target.type === 'set' ? effective([target.setId]) : pick(target),
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
