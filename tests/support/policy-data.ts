import type { Feature, FeatureKind, Handshake } from '../../gateway/domain/feature'
import type { FeatureSet, Grant, Member } from '../../gateway/domain/policy'
import type { PinFinding, PinPolicy } from '../../gateway/domain/pins'
import type { Server } from '../../gateway/domain/server'
import {
  type ReadSetting,
  type SettingKey,
  settingSpecs,
  type SettingValue,
} from '../../gateway/domain/settings'
import { createEvents } from '../../gateway/events'
import { createViews, type PolicyData } from '../../gateway/policy/views'

export const feature = (
  serverId: string,
  kind: FeatureKind,
  name: string,
  patch: Partial<Feature> = {},
): Feature => {
  const key = kind === 'resource' ? 'uri' : kind === 'template' ? 'uriTemplate' : 'name'
  return {
    serverId,
    kind,
    name,
    position: 0,
    descriptor: JSON.stringify({ [key]: name, title: `a ${kind}` }),
    ...patch,
  }
}

export const server = (id: string, patch: Partial<Server> = {}): Server => ({
  id,
  spaceId: 'home',
  name: id,
  alias: id,
  definition: { type: 'stdio', command: 'node', args: [], env: {}, cwd: null },
  inputs: [],
  enabled: true,
  keepRunning: false,
  era: 'auto',
  isolation: 'shared',
  source: 'cli',
  position: 0,
  createdAt: 1,
  updatedAt: 1,
  ...patch,
})

export const set = (id: string, members: readonly Member[], spaceId = 'home'): FeatureSet => ({
  id,
  spaceId,
  name: id,
  preset: null,
  members,
  createdAt: 1,
  filledAt: null,
})

export const include = (target: Member['target']): Member => ({ mode: 'include', target })
export const exclude = (target: Member['target']): Member => ({ mode: 'exclude', target })

/** The defaults, but for those given; read at each use. */
export const settingsWith =
  (changed: Partial<Record<SettingKey, number>> = {}): ReadSetting =>
  <K extends SettingKey>(key: K) =>
    (changed[key] ?? settingSpecs[key].default) as SettingValue<K>

const handshake = (instructions: string | null): Handshake => ({
  protocolVersion: '2025-11-25',
  capabilities: '{}',
  serverInfo: '{}',
  instructions,
  refreshedAt: 1,
})

/** What is stored, as plain arrays a test may change, and views over it. Client `all` may use everything of `home`. */
export function policyWorld() {
  const servers: Server[] = []
  const features = new Map<string, Feature[]>()
  const instructions = new Map<string, string>()
  const sets: FeatureSet[] = [set('all', [include({ type: 'all' })])]
  const grants: Grant[] = [{ clientId: 'all', spaceId: 'home', setId: 'all' }]
  const findings = new Map<string, PinFinding[]>()
  const world: { pinPolicy: PinPolicy } = { pinPolicy: 'guard' }
  const reads = { servers: 0, catalogs: [] as string[] }
  const data: PolicyData = {
    servers: (spaceId) => {
      reads.servers++
      return servers.filter((one) => one.spaceId === spaceId)
    },
    catalog: (serverId) => {
      reads.catalogs.push(serverId)
      const said = instructions.get(serverId)
      return {
        serverId,
        handshake: handshake(said ?? null),
        features: [...(features.get(serverId) ?? [])],
      }
    },
    sets: (spaceId) => sets.filter((one) => one.spaceId === spaceId),
    grants: (clientId, spaceId) =>
      grants.filter((grant) => grant.clientId === clientId && grant.spaceId === spaceId),
    pins: { findings: (serverId) => findings.get(serverId) ?? [], policy: () => world.pinPolicy },
  }
  const events = createEvents((error) => {
    throw error
  })
  return {
    servers,
    features,
    instructions,
    sets,
    grants,
    reads,
    findings,
    world,
    data,
    events,
    views: createViews({ data, events }),
    /** Adds a server that offers these, in order. */
    add(one: Server, offered: Partial<Record<FeatureKind, readonly string[]>>) {
      servers.push(one)
      const all = (Object.keys(offered) as FeatureKind[]).flatMap((kind) =>
        (offered[kind] ?? []).map((name, position) => feature(one.id, kind, name, { position })),
      )
      features.set(one.id, all)
    },
    grant(clientId: string, setId: string, members: readonly Member[], spaceId = 'home') {
      sets.push(set(setId, members, spaceId))
      grants.push({ clientId, spaceId, setId })
    },
  }
}
