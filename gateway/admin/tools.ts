import { pinKey, reasonWords } from '../domain/pins'
import type { ViewEntry } from '../policy/feature-view'
import type { AdminDeps } from './deps'
import { findClient } from './find-client'
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
  /** Why no client sees it until a person accepts it; null when clients may see it. */
  withheld: string | null
}

function toolView({ exposedName, alias, feature }: ViewEntry, withheld: string | null): ToolView {
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
    withheld,
  }
}

/** The tools of a Space, or exactly those one client is offered. */
export function toolRoutes({ views, clients, spaces, servers, pins }: AdminDeps) {
  return resource('/tools').get(
    '/',
    ({ query }) => {
      const client = query.client === undefined ? null : findClient(clients, query.client)
      const asked = query.space === undefined ? null : spaces.find(query.space).id
      const view = client
        ? views.view(client.id, asked ?? client.spaceId ?? spaces.active().id)
        : views.operatorView(asked ?? spaces.active().id)
      const held = new Map(
        servers
          .list(view.spaceId)
          .flatMap((server) =>
            pins
              .withheld(server)
              .map(({ kind, name, reasons }) => [`${server.id} ${pinKey(kind, name)}`, reasonWords(reasons)]),
          ),
      )
      return view
        .list('tool')
        .map((entry) =>
          toolView(
            entry,
            held.get(`${entry.feature.serverId} ${pinKey('tool', entry.feature.name)}`) ?? null,
          ),
        )
    },
    { query: ToolsQuery },
  )
}
