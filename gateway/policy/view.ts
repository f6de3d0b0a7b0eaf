import type { FeatureKind } from '../domain/feature'
import { type ErrorCode, GatewayError } from '../errors'
import type { Contents } from './contents'
import type { FeatureView, ViewEntry } from './feature-view'
import type { PreparedServer } from './prepare'
import { createResourceRoutes, type ResourceRoutes } from './resource-routes'
import type { Policy } from './resolve'

export interface ViewInput {
  spaceId: string
  version: number
  contents: Contents
  policy: Policy
  /** All servers of the Space, visible or not. */
  space: readonly PreparedServer[]
}

const unknown: Record<FeatureKind, ErrorCode> = {
  tool: 'feature.unknown',
  prompt: 'feature.unknown',
  template: 'feature.unknown',
  resource: 'resource.unknown',
}

/** A view of what a policy leaves. Its indexes are made when first asked for. */
export function createView({ spaceId, version, contents, policy, space }: ViewInput): FeatureView {
  const { lists } = contents
  const indexes: Partial<Record<FeatureKind, Map<string, ViewEntry>>> = {}
  let routes: ResourceRoutes | null = null
  const resources = () => (routes ??= createResourceRoutes(contents, policy))
  const lookup: FeatureView['lookup'] = (kind, exposedName) => {
    const index = (indexes[kind] ??= new Map(lists[kind].map((entry) => [entry.exposedName, entry])))
    return index.get(exposedName) ?? null
  }
  const servers = contents.servers.map(({ server, instructions, capabilities }) => ({
    serverId: server.id,
    alias: server.alias,
    instructions,
    capabilities,
  }))
  return {
    spaceId,
    version,
    lookup,
    list: (kind) => lists[kind],
    find(kind, exposedName) {
      const entry = lookup(kind, exposedName)
      if (!entry)
        throw new GatewayError(unknown[kind], `${shorten(exposedName)}; list again to see what there is`)
      return entry
    },
    route: (uri) => resources().route(uri),
    rewritesUris: (serverId) => resources().rewritesUris(serverId),
    exposedUri: (serverId, uri) => resources().exposedUri(serverId, uri),
    concerns: (label) =>
      space.some(
        ({ server }) => (server.alias || server.name) === label && policy.concerns(server.alias, server.id),
      ),
    servers: () => servers,
    withheld: () => contents.withheld,
  }
}

const shorten = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
