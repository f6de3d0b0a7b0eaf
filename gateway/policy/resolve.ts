import type { Feature, FeatureKind } from '../domain/feature'
import { hintOf } from '../domain/hints'
import type { FeatureSet, Grant, Member, MemberTarget } from '../domain/policy'
import { compileGlob, globCouldBeginWith } from './glob'

/** What a rule is asked about: a feature of a catalog, or a resource URI that a template expands to. */
export type Subject = Pick<Feature, 'serverId' | 'kind' | 'name' | 'pin'>

/** What one client's grants say in one Space. Pure: the same question has the same answer for ever. */
export interface Policy {
  /** Included by some granted set and excluded by none. */
  allows(alias: string, subject: Subject): boolean
  /** Excluded by some granted set. */
  excludes(alias: string, subject: Subject): boolean
  /** Whether any feature of this server, known or not yet, could be allowed. */
  concerns(alias: string, serverId: string): boolean
}

const nothing: Policy = { allows: () => false, excludes: () => true, concerns: () => false }
/** The person's own policy, under no client's grants. */
export const everything: Policy = { allows: () => true, excludes: () => false, concerns: () => true }

/**
 * Compiles the sets granted: `effective = ⋃ inc(S) − ⋃ exc(S)`, where `inc(S)` are its own includes and those of the
 * sets it includes, and `exc(S)` its own excludes, those of the sets it includes, and the effective features of the
 * sets it excludes. An exclude anywhere wins everywhere.
 *
 * A granted set that is gone gives nothing. A set that reaches itself or builds on one that is gone has no meaning
 * (saving refuses both), and grants that reach it allow nothing at all.
 */
export function compilePolicy(grants: readonly Grant[], sets: readonly FeatureSet[]): Policy {
  const known = new Map(sets.map((set) => [set.id, set]))
  const compiled = new Map<string, Rules | 'open'>()
  const granted: Rules[] = []
  try {
    for (const id of new Set(grants.map((grant) => grant.setId))) {
      if (known.has(id)) granted.push(compileSet(id, known, compiled))
    }
  } catch (error) {
    if (error instanceof MeaninglessSet) return nothing
    throw error
  }
  if (granted.length === 0) return nothing
  const excludes: Policy['excludes'] = (alias, subject) =>
    granted.some((rules) => rules.excludes(alias, subject))
  return {
    excludes,
    allows: (alias, subject) =>
      granted.some((rules) => rules.includes(alias, subject)) && !excludes(alias, subject),
    concerns: (alias, serverId) =>
      granted.some((rules) => rules.includesSomeOf(alias, serverId)) &&
      !granted.some((rules) => rules.excludesAllOf(alias, serverId)),
  }
}

class MeaninglessSet extends Error {}

interface Rules {
  includes(alias: string, subject: Subject): boolean
  excludes(alias: string, subject: Subject): boolean
  includesSomeOf(alias: string, serverId: string): boolean
  excludesAllOf(alias: string, serverId: string): boolean
}

function compileSet(
  id: string,
  known: ReadonlyMap<string, FeatureSet>,
  compiled: Map<string, Rules | 'open'>,
): Rules {
  const done = compiled.get(id)
  if (done === 'open') throw new MeaninglessSet()
  if (done) return done
  const set = known.get(id)
  if (!set) throw new MeaninglessSet()
  compiled.set(id, 'open')
  const own = { include: [] as MemberTarget[], exclude: [] as MemberTarget[] }
  const sets = { include: [] as Rules[], exclude: [] as Rules[] }
  for (const { mode, target } of set.members) {
    if (target.type === 'set') sets[mode].push(compileSet(target.setId, known, compiled))
    else own[mode].push(target)
  }
  const rules = combine(compileTargets('include', own.include), compileTargets('exclude', own.exclude), sets)
  compiled.set(id, rules)
  return rules
}

function combine(include: Targets, exclude: Targets, sets: { include: Rules[]; exclude: Rules[] }): Rules {
  // A set reached by many ways is asked once per question, so that a lattice of sets does not cost its paths.
  const inner = [...new Set(sets.include)]
  const outer = [...new Set(sets.exclude)]
  return {
    includes: remember((alias, subject) => {
      return include.match(alias, subject) || inner.some((rules) => rules.includes(alias, subject))
    }),
    excludes: remember((alias, subject) => {
      return (
        exclude.match(alias, subject) ||
        inner.some((rules) => rules.excludes(alias, subject)) ||
        outer.some((rules) => rules.includes(alias, subject) && !rules.excludes(alias, subject))
      )
    }),
    includesSomeOf: remember((alias, serverId) => {
      return include.some(alias, serverId) || inner.some((rules) => rules.includesSomeOf(alias, serverId))
    }),
    excludesAllOf: remember((alias, serverId) => {
      return exclude.whole(alias, serverId) || inner.some((rules) => rules.excludesAllOf(alias, serverId))
    }),
  }
}

/** Keeps the answer to the last question only. */
function remember<S>(ask: (alias: string, subject: S) => boolean): (alias: string, subject: S) => boolean {
  let last: { alias: string; subject: S; answer: boolean } | null = null
  return (alias, subject) => {
    if (last?.subject === subject && last.alias === alias) return last.answer
    const answer = ask(alias, subject)
    last = { alias, subject, answer }
    return answer
  }
}

interface Targets {
  match(alias: string, subject: Subject): boolean
  some(alias: string, serverId: string): boolean
  whole(alias: string, serverId: string): boolean
}

/** Whether one rule names a subject, sets aside. */
export const matcherOf = ({ mode, target }: Member): Targets['match'] => compileTargets(mode, [target]).match

function compileTargets(mode: Member['mode'], targets: readonly MemberTarget[]): Targets {
  let all = false
  const servers = new Set<string>()
  const features = new Set<string>()
  const withFeatures = new Set<string>()
  const patterns: { pattern: string; kind: FeatureKind | null; glob: (text: string) => boolean }[] = []
  const hints: Extract<MemberTarget, { type: 'hint' }>[] = []
  const goneServers = new Set<string>()
  const goneFeatures = new Set<string>()
  for (const target of targets) {
    if (target.type === 'all') all = true
    else if (target.type === 'server') servers.add(target.serverId)
    else if (target.type === 'pattern') {
      const { pattern, kind = null } = target
      patterns.push({ pattern, kind, glob: compileGlob(pattern) })
    } else if (target.type === 'hint') hints.push(target)
    else if (target.type === 'feature') {
      features.add(featureKey(target))
      withFeatures.add(target.serverId)
    } else if (target.type === 'gone' && mode === 'exclude') {
      if (target.feature) goneFeatures.add(featureKey({ serverId: target.alias, ...target.feature }))
      else goneServers.add(target.alias)
    }
  }
  const matchesPattern = (alias: string, { kind, name }: Subject): boolean => {
    const text = `${alias}/${name}`
    return patterns.some((one) => (one.kind === null || one.kind === kind) && one.glob(text))
  }
  return {
    match(alias, subject) {
      if (all || servers.has(subject.serverId)) return true
      if (features.size > 0 && features.has(featureKey(subject))) return true
      if (hints.length > 0 && hints.some(({ hint, is }) => hintOf(subject, hint) === is)) return true
      if (goneServers.has(alias)) return true
      if (goneFeatures.size > 0 && goneFeatures.has(featureKey({ ...subject, serverId: alias }))) return true
      return patterns.length > 0 && matchesPattern(alias, subject)
    },
    some: (alias, serverId) =>
      all ||
      hints.length > 0 ||
      servers.has(serverId) ||
      withFeatures.has(serverId) ||
      patterns.some(({ pattern }) => globCouldBeginWith(pattern, `${alias}/`)),
    whole: (alias, serverId) => all || servers.has(serverId) || goneServers.has(alias),
  }
}

const featureKey = ({ serverId, kind, name }: Subject): string => `${serverId}\0${kind}\0${name}`
