import type { Feature } from '../domain/feature'
import type { FeatureSet, Grant, Member } from '../domain/policy'
import { readable } from '../domain/presets'
import type { Server } from '../domain/server'
import { compilePolicy } from './resolve'

/** Most tools *Lean* is filled up to. */
export const leanSize = 40

/** What *Lean* is chosen from. */
export interface LeanChoice {
  lean: FeatureSet
  sets: readonly FeatureSet[]
  /** Servers that are on, with their tools in their own order. */
  servers: readonly { server: Pick<Server, 'id' | 'alias'>; tools: readonly Feature[] }[]
  /** Calls of the last 30 days. */
  calls(serverId: string, tool: string): number
}

/**
 * The rules of *Lean*: a person's own first, then the most used tools, then by alias, until there are 40 tools; what a
 * rule of the person excludes is not chosen. Prompts, resources and templates cost a list of tools nothing, so all are
 * in it.
 */
export function chooseLean({ lean, sets, servers, calls }: LeanChoice): Member[] {
  const own = lean.members.filter((member) => !member.filled)
  const others = sets.filter(({ id }) => id !== lean.id)
  const policy = compilePolicy(
    [{ clientId: '', spaceId: lean.spaceId, setId: lean.id }],
    [...others, { ...lean, members: own }],
  )
  const tools = servers.flatMap(({ server, tools: list }) =>
    list.map((tool) => ({ alias: server.alias, tool })),
  )
  const pinned = tools.filter(({ alias, tool }) => policy.allows(alias, tool)).length
  const chosen = tools
    .filter(({ alias, tool }) => !policy.allows(alias, tool) && !policy.excludes(alias, tool))
    .map((one) => ({ ...one, calls: calls(one.tool.serverId, one.tool.name) }))
    .sort((a, b) => b.calls - a.calls || compare(a.alias, b.alias) || a.tool.position - b.tool.position)
    .slice(0, Math.max(0, leanSize - pinned))
    .map(
      ({ tool: { serverId, kind, name } }): Member => ({
        mode: 'include',
        target: { type: 'feature', serverId, kind, name },
        filled: true,
      }),
    )
  return [...own, ...readable.map((member): Member => ({ ...member, filled: true })), ...chosen]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export interface LeanDeps {
  sets(spaceId: string): readonly FeatureSet[]
  /** All grants. */
  grants(): readonly Grant[]
  servers(spaceId: string): readonly Server[]
  tools(serverId: string): readonly Feature[]
  /** Calls of the last 30 days in a Space. */
  usage(spaceId: string): (serverId: string, tool: string) => number
  fill(setId: string, members: readonly Member[]): FeatureSet
  report(error: unknown): void
}

export interface Lean {
  /** The sets of a Space, with *Lean* filled when it is in use and there is something to fill it with. */
  sets(spaceId: string): readonly FeatureSet[]
  /** A person looks at it, which is a use too. True when that filled it. */
  seen(lean: FeatureSet): boolean
  /** Chooses anew; what a person added stays. */
  refresh(lean: FeatureSet): FeatureSet
}

/** Fills *Lean* at its first use, once; after that it stays until a person edits it or has it chosen anew. */
export function createLean(deps: LeanDeps): Lean {
  const choose = (lean: FeatureSet, sets: readonly FeatureSet[]) => {
    const servers = deps
      .servers(lean.spaceId)
      .filter(({ enabled }) => enabled)
      .map((server) => ({ server, tools: deps.tools(server.id) }))
    return {
      any: servers.some(({ tools }) => tools.length > 0),
      members: () => chooseLean({ lean, sets, servers, calls: deps.usage(lean.spaceId) }),
    }
  }
  /** True when it was empty until now, and there was something to fill it with. */
  function fillFirst(lean: FeatureSet, sets: readonly FeatureSet[]): boolean {
    if (lean.filledAt !== null) return false
    const { any, members } = choose(lean, sets)
    if (!any) return false
    try {
      deps.fill(lean.id, members())
      return true
    } catch (error) {
      // On a full disk it stays as it is, which is less than it would have.
      deps.report(error)
      return false
    }
  }
  const isUsed = ({ id }: FeatureSet, sets: readonly FeatureSet[]): boolean =>
    sets.some(({ members }) => members.some(({ target }) => target.type === 'set' && target.setId === id)) ||
    deps.grants().some(({ setId }) => setId === id)

  return {
    sets(spaceId) {
      const sets = deps.sets(spaceId)
      const lean = sets.find(({ preset }) => preset === 'lean')
      if (!lean || lean.filledAt !== null || !isUsed(lean, sets)) return sets
      return fillFirst(lean, sets) ? deps.sets(spaceId) : sets
    },
    seen: (lean) => fillFirst(lean, deps.sets(lean.spaceId)),
    refresh(lean) {
      return deps.fill(lean.id, choose(lean, deps.sets(lean.spaceId)).members())
    },
  }
}
