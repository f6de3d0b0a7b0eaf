import type { FeatureSet, Member } from '../domain/policy'
import { GatewayError } from '../errors'
import { parseRule, type RuleNames, ruleText, serverOf } from '../policy/rule-text'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, Nothing, SpaceQuery } from './schemas'
import { SetCreate, SetMembers, SetPatch } from './set-schemas'

/** One rule as it is written. */
export interface RuleView {
  /** Counts from 1. */
  rule: number
  mode: Member['mode']
  text: string
  /** The server it is about was removed. */
  gone: boolean
  /** Chosen by the gateway, for *Lean*. */
  filled: boolean
}

/** A Feature Set with its rules in words, and the clients that were granted it. */
export interface SetView extends FeatureSet {
  rules: RuleView[]
  clients: { id: string; name: string }[]
}

type Deps = Pick<AdminDeps, 'sets' | 'servers' | 'clients'>

/** What rules may name in a Space. */
export const ruleNames = (spaceId: string, { sets, servers }: Omit<Deps, 'clients'>): RuleNames => ({
  servers: servers.list(spaceId),
  sets: sets.list(spaceId),
})

function setViews(list: readonly FeatureSet[], { clients, ...deps }: Deps): SetView[] {
  const names = new Map<string, RuleNames>()
  const all = new Map(clients.list().map((client) => [client.id, client.name]))
  const grants = Map.groupBy(clients.grants(), ({ setId }) => setId)
  return list.map((set) => {
    const known = names.get(set.spaceId) ?? ruleNames(set.spaceId, deps)
    names.set(set.spaceId, known)
    return {
      ...set,
      rules: set.members.map(({ mode, target, filled = false }, at) => ({
        rule: at + 1,
        mode,
        text: ruleText(target, known),
        gone: target.type === 'gone',
        filled,
      })),
      clients: (grants.get(set.id) ?? []).map(({ clientId: id }) => ({ id, name: all.get(id) ?? '' })),
    }
  })
}

const unknownRule = (rule: number) => new GatewayError('input.invalid', `the set has no rule ${rule}`)

/** Feature Sets of a Space. */
export function setRoutes(deps: AdminDeps) {
  const { sets, spaces, events, db, lean, record } = deps
  const changed = (
    request: Request,
    action: 'set.created' | 'set.changed' | 'set.removed',
    { spaceId, name }: FeatureSet,
  ) => {
    events.emit('policy.changed', { spaceId, clientId: null })
    record(request, { action, spaceId, subject: name })
  }
  const viewOf = (set: FeatureSet): SetView => {
    const [view] = setViews([set], deps)
    if (!view) throw new GatewayError('set.unknown')
    return view
  }
  const edited = (request: Request, set: FeatureSet): SetView => {
    changed(request, 'set.changed', set)
    return viewOf(set)
  }
  type Written = { mode: Member['mode']; rule: string }
  const written = (spaceId: string, rules: readonly Written[]): Member[] => {
    const names = ruleNames(spaceId, deps)
    return rules.map(({ mode, rule }) => ({ mode, target: parseRule(rule, names) }))
  }

  /** The rules after a change. Numbers mean the rules as they were. */
  function rulesAfter(set: FeatureSet, { add = [], remove = [], point = [] }: SetPatch): Member[] {
    const names = ruleNames(set.spaceId, deps)
    const members = new Map(set.members.map((member, at) => [at + 1, member]))
    for (const { rule, server } of point) {
      const member = members.get(rule)
      if (!member) throw unknownRule(rule)
      if (member.target.type !== 'gone')
        throw new GatewayError('input.invalid', `the server of rule ${rule} was not removed`)
      const { feature } = member.target
      const serverId = serverOf(server, names).id
      const target = feature
        ? { type: 'feature' as const, serverId, ...feature }
        : { type: 'server' as const, serverId }
      members.set(rule, { mode: member.mode, target })
    }
    for (const rule of new Set(remove)) if (!members.delete(rule)) throw unknownRule(rule)
    return [...members.values(), ...written(set.spaceId, add)]
  }

  return resource('/sets')
    .get(
      '/',
      ({ query: { space } }) =>
        setViews(sets.list(space === undefined ? spaces.active().id : spaces.find(space).id), deps),
      { query: SpaceQuery },
    )
    .post(
      '/',
      ({ body, request }) => {
        const space = spaces.get(body.spaceId)
        const members = [...(body.members ?? []), ...written(space.id, body.rules ?? [])]
        const set = sets.create(space.id, body.name.trim(), members)
        changed(request, 'set.created', set)
        return viewOf(set)
      },
      { body: SetCreate },
    )
    .get('/:id', ({ params }) => viewOf(sets.get(params.id)), { params: IdParams })
    .patch(
      '/:id',
      ({ params, body: { name, ...rules }, request }) =>
        edited(
          request,
          db.transaction(() => {
            const set = name === undefined ? sets.get(params.id) : sets.rename(params.id, name)
            return Object.keys(rules).length > 0 ? sets.setMembers(set.id, rulesAfter(set, rules)) : set
          }),
        ),
      { params: IdParams, body: SetPatch },
    )
    .put(
      '/:id/members',
      ({ params, body, request }) => edited(request, sets.setMembers(params.id, body.members)),
      { params: IdParams, body: SetMembers },
    )
    .post(
      '/:id/refresh',
      ({ params, request }) => {
        const set = sets.get(params.id)
        if (set.preset !== 'lean') throw new GatewayError('input.invalid', 'only Lean is chosen by McpMux')
        return edited(request, lean.refresh(set))
      },
      { params: IdParams, body: Nothing },
    )
    .delete(
      '/:id',
      ({ params, request }) => {
        const set = sets.get(params.id)
        sets.remove(set.id)
        changed(request, 'set.removed', set)
        return { removed: set.id }
      },
      { params: IdParams, body: Nothing },
    )
}
