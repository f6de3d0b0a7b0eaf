import {
  clientKind,
  type ClientKind,
  limitReports,
  type LimitReport,
  tokensOf,
} from '../domain/client-limits'
import type { Client } from '../domain/client'
import { featureKinds, type Feature, type FeatureKind } from '../domain/feature'
import { reasonWords } from '../domain/pins'
import type { FeatureSet, Grant } from '../domain/policy'
import type { Server } from '../domain/server'
import type { Space } from '../domain/space'
import { GatewayError } from '../errors'
import { explainPolicy, type Step, type Verdict } from '../policy/explain'
import { standingGrants } from '../policy/standing-grants'
import type { FeatureView, ViewEntry } from '../policy/feature-view'
import { exposedName } from '../policy/naming'
import { ruleText } from '../policy/rule-text'
import type { AdminDeps, SessionInfo } from './deps'
import { findClient } from './find-client'
import { resource } from './resource'
import { EffectiveQuery } from './set-schemas'
import { ruleNames } from './sets'

/** One feature, and whether it is among what may be used. */
export interface EffectiveFeature {
  kind: FeatureKind
  serverId: string
  alias: string
  /** Original name. */
  name: string
  exposedName: string
  allowed: boolean
  /** In words: which rule of which set, or what else keeps it away. */
  why: string
  path: readonly Step[]
  /** Estimated, of its definition as a client gets it. */
  tokens: number
}

/** What a Feature Set, or what a client was granted, comes to. */
export interface Effective {
  space: { id: string; name: string }
  set: { id: string; name: string } | null
  client: { id: string; name: string } | null
  features: EffectiveFeature[]
  counts: Record<FeatureKind, { allowed: number; known: number }>
  /** Estimated, of all tools that are allowed: what a model reads before it is asked anything. */
  tokens: number
  /** Whose limits they are. */
  limitsOf: string
  limits: LimitReport[]
}

const keyOf = ({ serverId, kind, name }: Pick<Feature, 'serverId' | 'kind' | 'name'>): string =>
  `${serverId} ${kind} ${name}`

const byKey = (view: FeatureView): Map<string, ViewEntry> =>
  new Map(featureKinds.flatMap((kind) => view.list(kind).map((entry) => [keyOf(entry.feature), entry])))

/** Puts verdicts of one Space in words. */
function wording(spaceId: string, deps: AdminDeps): (verdict: Verdict) => string {
  const names = ruleNames(spaceId, deps)
  const sets = new Map(deps.sets.list(spaceId).map((set) => [set.id, set]))
  const step = ({ setId, rule }: Step): string => `rule ${rule} of ${sets.get(setId)?.name ?? setId}`
  return ({ because, path }) => {
    const last = path.at(-1)
    if (!last) return otherwise[because]
    const member = sets.get(last.setId)?.members[last.rule - 1]
    const rule = member ? ` (${ruleText(member.target, names)})` : ''
    const outer = path.slice(0, -1).reverse().map(step)
    return `${because} by ${step(last)}${rule}${outer.length > 0 ? `, through ${outer.join(', ')}` : ''}`
  }
}

const otherwise: Readonly<Record<Verdict['because'], string>> = {
  included: 'included',
  excluded: 'excluded',
  not_included: 'not included by any rule',
  nothing_granted: 'no Feature Set was granted in this Space',
  meaningless: 'a Feature Set reaches itself, or builds on one that is gone',
}

/** What keeps a feature away although the sets allow it. */
function withheldBecause(server: Server, feature: Feature, view: FeatureView, deps: AdminDeps): string {
  if (!server.enabled) return 'its server is disabled'
  const exposed = exposedOf(server, feature)
  const held = view
    .withheld()
    .find(
      ({ kind, alias, exposedName: name }) =>
        kind === feature.kind && alias === server.alias && name === exposed,
    )
  if (held) return `withheld: ${reasonWords(held.reasons)}`
  const rival = deps.views
    .withheld(server.spaceId)
    .find(
      ({ serverId, kind, exposedName: name }) =>
        serverId === server.id && kind === feature.kind && name === exposed,
    )
  return rival ? `withheld: ${deps.servers.get(rival.ownerId).name} has its name` : 'withheld'
}

function effective(space: Space, set: FeatureSet | null, client: Client | null, deps: AdminDeps): Effective {
  const { views, servers, catalog, sets, info } = deps
  const grants: Grant[] = set
    ? [{ clientId: '', spaceId: space.id, setId: set.id }]
    : standingGrants(deps, client?.id ?? '', space.id)
  const view =
    set || !client
      ? views.viewOfSets(
          space.id,
          grants.map(({ setId }) => setId),
        )
      : views.view(client.id, space.id)
  const explain = explainPolicy(grants, sets.list(space.id))
  const inWords = wording(space.id, deps)
  const shown = byKey(view)
  const all = byKey(views.operatorView(space.id))
  const features = servers.list(space.id).flatMap((server) =>
    catalog.get(server.id).features.map((feature): EffectiveFeature => {
      const entry = shown.get(keyOf(feature))
      const named = entry ?? all.get(keyOf(feature))
      const verdict = explain(server.alias, feature)
      const why = verdict.allowed && !entry ? withheldBecause(server, feature, view, deps) : inWords(verdict)
      return {
        kind: feature.kind,
        serverId: server.id,
        alias: server.alias,
        name: feature.name,
        exposedName: named?.exposedName ?? exposedOf(server, feature),
        allowed: entry !== undefined,
        why,
        path: verdict.path,
        tokens: tokensOf(named?.descriptor.byteLength ?? Buffer.byteLength(feature.descriptor)),
      }
    }),
  )
  const tools = features.filter(({ kind, allowed }) => kind === 'tool' && allowed)
  const kind = kindOf(client, info().sessions)
  return {
    space: { id: space.id, name: space.name },
    set: set && { id: set.id, name: set.name },
    client: client && { id: client.id, name: client.name },
    features,
    counts: countsOf(features),
    tokens: tools.reduce((sum, { tokens }) => sum + tokens, 0),
    limitsOf: kind.title,
    limits: limitReports(
      kind,
      tools.map((tool) => tool.exposedName),
    ),
  }
}

/** By what the client says of itself where it is connected, else by the name it was given. */
function kindOf(client: Client | null, sessions: readonly SessionInfo[]): ClientKind {
  if (!client) return clientKind([])
  const own = sessions.filter(({ clientId }) => clientId === client.id)
  return clientKind([...own.map(({ clientInfo }) => saidName(clientInfo)), client.name])
}

function saidName(clientInfo: string): string {
  try {
    const said: unknown = JSON.parse(clientInfo)
    return typeof said === 'object' && said !== null && 'name' in said ? String(said.name) : ''
  } catch {
    return ''
  }
}

const exposedOf = (server: Server, { kind, name }: Feature): string =>
  kind === 'tool' || kind === 'prompt' ? exposedName(server.alias, name) : name

function countsOf(features: readonly EffectiveFeature[]): Effective['counts'] {
  const of = (kind: FeatureKind) => {
    const known = features.filter((feature) => feature.kind === kind)
    return { allowed: known.filter(({ allowed }) => allowed).length, known: known.length }
  }
  return { tool: of('tool'), prompt: of('prompt'), resource: of('resource'), template: of('template') }
}

/** What comes of Feature Sets, feature by feature, and why. */
export function effectiveRoutes(deps: AdminDeps) {
  const { spaces, sets, clients, lean, events } = deps
  return resource('/effective').get(
    '/',
    ({ query }) => {
      if (query.set === undefined && query.client === undefined)
        throw new GatewayError('input.invalid', 'name a Feature Set, a client, or both')
      const client = query.client === undefined ? null : findClient(clients, query.client)
      const space =
        query.space === undefined
          ? spaces.get(client?.spaceId ?? spaces.active().id)
          : spaces.find(query.space)
      const set = query.set === undefined ? null : sets.find(space.id, query.set)
      if (set?.preset === 'lean' && lean.seen(set))
        events.emit('policy.changed', { spaceId: space.id, clientId: null })
      return effective(space, set, client, deps)
    },
    { query: EffectiveQuery },
  )
}
