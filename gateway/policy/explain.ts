import type { FeatureSet, Grant, Member } from '../domain/policy'
import { matcherOf, type Subject } from './resolve'

/** One rule of one set; `rule` counts from 1, as they are shown. */
export interface Step {
  setId: string
  rule: number
}

/** Why a feature is allowed or not, and the rules that lead there, from a granted set down to the one that names it. */
export type Verdict =
  | { allowed: true; because: 'included'; path: readonly Step[] }
  | { allowed: false; because: 'excluded'; path: readonly Step[] }
  /** `nothing_granted`: no set at all; `meaningless`: one reaches itself or builds on one that is gone. */
  | { allowed: false; because: 'not_included' | 'nothing_granted' | 'meaningless'; path: readonly [] }

/**
 * Says of any feature what `compilePolicy` says of it, and why. For people: it walks the sets for each question, which
 * no call should wait for.
 */
export function explainPolicy(
  grants: readonly Grant[],
  sets: readonly FeatureSet[],
): (alias: string, subject: Subject) => Verdict {
  const known = new Map(sets.map((set) => [set.id, set]))
  const granted = [...new Set(grants.map(({ setId }) => setId))].filter((id) => known.has(id))
  if (granted.length === 0) return () => ({ allowed: false, because: 'nothing_granted', path: [] })
  if (!haveMeaning(granted, known)) return () => ({ allowed: false, because: 'meaningless', path: [] })
  const matchers = new Map<Member, ReturnType<typeof matcherOf>>()
  const matches = (member: Member, alias: string, subject: Subject): boolean => {
    let matcher = matchers.get(member)
    if (!matcher) matchers.set(member, (matcher = matcherOf(member)))
    return matcher(alias, subject)
  }

  return (alias, subject) => {
    const including = remembered((id, ask) =>
      firstOf(known, id, (member) => {
        if (member.mode !== 'include') return null
        if (member.target.type === 'set') return ask(member.target.setId)
        return matches(member, alias, subject) ? [] : null
      }),
    )
    const excluding = remembered((id, ask) =>
      firstOf(known, id, (member) => {
        if (member.target.type !== 'set')
          return member.mode === 'exclude' && matches(member, alias, subject) ? [] : null
        const inner = member.target.setId
        if (member.mode === 'include') return ask(inner)
        return ask(inner) === null ? including(inner) : null
      }),
    )
    const out = found(granted, excluding)
    if (out) return { allowed: false, because: 'excluded', path: out }
    const path = found(granted, including)
    return path
      ? { allowed: true, because: 'included', path }
      : { allowed: false, because: 'not_included', path: [] }
  }
}

type Find = (setId: string) => readonly Step[] | null

/** Asks each set once, however many ways lead to it. */
function remembered(find: (setId: string, ask: Find) => readonly Step[] | null): Find {
  const answers = new Map<string, readonly Step[] | null>()
  const ask: Find = (setId) => {
    const answer = answers.get(setId)
    if (answer !== undefined) return answer
    const path = find(setId, ask)
    answers.set(setId, path)
    return path
  }
  return ask
}

function found(ids: readonly string[], find: Find): readonly Step[] | null {
  for (const id of ids) {
    const path = find(id)
    if (path) return path
  }
  return null
}

function firstOf(
  known: ReadonlyMap<string, FeatureSet>,
  setId: string,
  below: (member: Member) => readonly Step[] | null,
): readonly Step[] | null {
  for (const [at, member] of (known.get(setId)?.members ?? []).entries()) {
    const path = below(member)
    if (path) return [{ setId, rule: at + 1 }, ...path]
  }
  return null
}

/** False when a set reaches itself, or one that is gone. */
function haveMeaning(ids: readonly string[], known: ReadonlyMap<string, FeatureSet>): boolean {
  const states = new Map<string, 'open' | 'done'>()
  const visit = (id: string): boolean => {
    const state = states.get(id)
    if (state) return state === 'done'
    const set = known.get(id)
    if (!set) return false
    states.set(id, 'open')
    const fine = set.members.every(({ target }) => target.type !== 'set' || visit(target.setId))
    states.set(id, 'done')
    return fine
  }
  return ids.every(visit)
}
