import type { ViewEntry } from '../policy/feature-view'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { ToolsQuery } from './schemas'

/** One tool as a client would be offered it. */
export interface ToolView {
  /** The exposed name. */
  name: string
  server: string
  serverId: string
  /** The name the server itself knows. */
  original: string
  title: string | null
  description: string | null
}

function toolView({ exposedName, alias, feature }: ViewEntry): ToolView {
  let descriptor: unknown
  try {
    descriptor = JSON.parse(feature.descriptor)
  } catch {
    descriptor = null
  }
  const text = (key: string): string | null => {
    if (typeof descriptor !== 'object' || descriptor === null) return null
    const value = (descriptor as Record<string, unknown>)[key]
    return typeof value === 'string' ? value : null
  }
  return {
    name: exposedName,
    server: alias,
    serverId: feature.serverId,
    original: feature.name,
    title: text('title'),
    description: text('description'),
  }
}

/** The tools of a Space, or exactly those one client is offered. */
export function toolRoutes({ views, clients, spaces }: AdminDeps) {
  return resource('/tools').get(
    '/',
    ({ query }) => {
      const client =
        query.client === undefined ? null : (clients.findByName(query.client) ?? clients.get(query.client))
      const asked = query.space === undefined ? null : spaces.find(query.space).id
      const view = client
        ? views.view(client.id, asked ?? client.spaceId ?? spaces.active().id)
        : views.operatorView(asked ?? spaces.active().id)
      return view.list('tool').map(toolView)
    },
    { query: ToolsQuery },
  )
}
