import type { ServerCatalog } from '../domain/feature'
import type { FeatureSet, Grant } from '../domain/policy'
import type { Server } from '../domain/server'
import type { EventBus } from '../events'
import { claimNames, type Withheld } from './claims'
import { type Contents, type Lists, sameList, selectContents } from './contents'
import type { FeatureView } from './feature-view'
import { type HeldBack, holdBack, type PinData } from './hold-back'
import { type PreparedEntry, type PreparedServer, prepareServer } from './prepare'
import { compilePolicy, everything, type Policy } from './resolve'
import { createView } from './view'

/** What views are made of, as it is stored now. */
export interface PolicyData {
  /** All servers of a Space, disabled ones too. */
  servers(spaceId: string): readonly Server[]
  catalog(serverId: string): ServerCatalog
  sets(spaceId: string): readonly FeatureSet[]
  grants(clientId: string, spaceId: string): readonly Grant[]
  pins: PinData
}

export interface Views {
  /**
   * What a client may use in a Space, as of now: an immutable snapshot. The same object as long as nothing behind it
   * changed, and cheap to ask for on every request.
   */
  view(clientId: string, spaceId: string): FeatureView
  /** Everything of a Space, for the person at the command line or the window. */
  operatorView(spaceId: string): FeatureView
  /** What a client with exactly these Feature Sets could use. */
  viewOfSets(spaceId: string, setIds: readonly string[]): FeatureView
  /** Features nobody can use because an older name is in their way. */
  withheld(spaceId: string): readonly Withheld[]
}

interface SpaceState {
  fresh: boolean
  /** Servers whose catalog may have changed; null means all. */
  stale: Set<string> | null
  servers: PreparedServer[]
  withheld: Map<PreparedEntry, Withheld>
  held: Pick<HeldBack, 'entries' | 'instructions'>
  sets: readonly FeatureSet[]
  byClient: Map<string, FeatureView>
  byGrants: Map<string, FeatureView>
  /** Views of the state before, kept so that what stayed the same keeps its version and its lists. */
  before: readonly FeatureView[]
}

const OPERATOR = ' operator'

/**
 * Views of all clients, per Space. An event makes the views of its Space stale, and the next question builds them
 * again; so create this before whoever asks for views on the same events. Clients with the same grants share one.
 */
export function createViews({ data, events }: { data: PolicyData; events: EventBus }): Views {
  const spaces = new Map<string, SpaceState>()
  let versions = 0

  const stale = (spaceId: string, serverId: string | null) => {
    const state = spaces.get(spaceId)
    if (!state) return
    state.fresh = false
    if (serverId !== null) state.stale?.add(serverId)
  }
  events.on('server.changed', ({ spaceId, serverId }) => stale(spaceId, serverId))
  events.on('catalog.changed', ({ spaceId, serverId }) => stale(spaceId, serverId))
  events.on('policy.changed', ({ spaceId }) => {
    for (const id of spaceId === null ? spaces.keys() : [spaceId]) stale(id, null)
  })
  events.on('space.changed', ({ spaceId }) => {
    const state = spaces.get(spaceId)
    if (state) Object.assign(state, { fresh: false, stale: null })
  })

  function current(spaceId: string): SpaceState {
    let state = spaces.get(spaceId)
    if (!state) {
      state = emptyState()
      spaces.set(spaceId, state)
    }
    if (!state.fresh) refresh(spaceId, state)
    return state
  }

  function refresh(spaceId: string, state: SpaceState): void {
    const before = new Map(state.servers.map((prepared) => [prepared.server.id, prepared]))
    const prepared = [...data.servers(spaceId)].sort(inListOrder).map((server) => {
      const known = before.get(server.id)
      if (known && state.stale && !state.stale.has(server.id) && known.server.alias === server.alias) {
        return { ...known, server }
      }
      return prepareServer(server, data.catalog(server.id), known)
    })
    const { servers, ...held } = holdBack(prepared, data.pins, spaceId)
    const sets = data.sets(spaceId)
    if (state.byGrants.size > 0) state.before = [...state.byGrants.values()]
    state.byGrants.clear()
    state.byClient.clear()
    const withheld = claimNames(servers)
    Object.assign(state, { servers, sets, withheld, held, stale: new Set(), fresh: true })
  }

  function build(spaceId: string, state: SpaceState, policy: Policy): FeatureView {
    // The person who is to judge what is held back sees it.
    const held = policy === everything ? null : state.held
    const found = selectContents(state.servers, policy, (entry) => state.withheld.has(entry), held)
    const known = [...state.byGrants.values(), ...state.before]
    const twin = known.find((view) => isUnchanged(view, found))
    const contents = { ...found, lists: reuseLists(found.lists, twin ? [twin] : known) }
    return createView({
      spaceId,
      version: twin?.version ?? ++versions,
      contents,
      policy,
      space: state.servers,
    })
  }

  function shared(spaceId: string, state: SpaceState, key: string, policy: () => Policy): FeatureView {
    const known = state.byGrants.get(key)
    if (known) return known
    const view = build(spaceId, state, policy())
    state.byGrants.set(key, view)
    return view
  }

  function ofSets(spaceId: string, state: SpaceState, setIds: readonly string[]): FeatureView {
    const ids = [...new Set(setIds)].sort()
    const grants = ids.map((setId) => ({ clientId: '', spaceId, setId }))
    return shared(spaceId, state, ids.join(' '), () => compilePolicy(grants, state.sets))
  }

  return {
    view(clientId, spaceId) {
      const state = current(spaceId)
      const known = state.byClient.get(clientId)
      if (known) return known
      const grants = data.grants(clientId, spaceId).filter((grant) => grant.spaceId === spaceId)
      const view = ofSets(
        spaceId,
        state,
        grants.map(({ setId }) => setId),
      )
      state.byClient.set(clientId, view)
      return view
    },
    viewOfSets: (spaceId, setIds) => ofSets(spaceId, current(spaceId), setIds),
    operatorView: (spaceId) => shared(spaceId, current(spaceId), OPERATOR, () => everything),
    withheld: (spaceId) => [...current(spaceId).withheld.values()],
  }
}

/** The lists a client should read again after its view went from one to the other. */
export function changedKinds(before: FeatureView, after: FeatureView): ('tools' | 'prompts' | 'resources')[] {
  const differs = (kind: keyof Lists) => !sameList(before.list(kind), after.list(kind))
  const changed: ('tools' | 'prompts' | 'resources')[] = []
  if (differs('tool')) changed.push('tools')
  if (differs('prompt')) changed.push('prompts')
  if (differs('resource') || differs('template')) changed.push('resources')
  return changed
}

const emptyState = (): SpaceState => ({
  fresh: false,
  stale: null,
  servers: [],
  withheld: new Map(),
  held: { entries: new Map(), instructions: new Map() },
  sets: [],
  byClient: new Map(),
  byGrants: new Map(),
  before: [],
})

/** Lists keep this order: the person's, then alias and id so that it is total. */
const inListOrder = (a: Server, b: Server): number =>
  a.position - b.position || compare(a.alias, b.alias) || compare(a.id, b.id)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function isUnchanged(view: FeatureView, { lists, servers }: Contents): boolean {
  const told = view.servers()
  return (
    told.length === servers.length &&
    servers.every(
      ({ server, instructions, capabilities }, i) =>
        told[i]?.serverId === server.id &&
        told[i].alias === server.alias &&
        told[i].instructions === instructions &&
        told[i].capabilities === capabilities,
    ) &&
    (Object.keys(lists) as (keyof Lists)[]).every((kind) => sameList(view.list(kind), lists[kind]))
  )
}

/** Equal lists become one array, so that what is derived from it (pages of bytes) is derived once. */
function reuseLists(lists: Lists, known: readonly FeatureView[]): Lists {
  const same = (kind: keyof Lists) =>
    known.map((view) => view.list(kind)).find((list) => sameList(list, lists[kind])) ?? lists[kind]
  return {
    tool: same('tool'),
    prompt: same('prompt'),
    resource: same('resource'),
    template: same('template'),
  }
}
