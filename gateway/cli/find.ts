import type { ClientView } from '../admin/client-view'
import type { ServerView } from '../admin/server-view'
import type { SpaceView } from '../admin/spaces'
import { GatewayError } from '../errors'
import { type AdminClient, must } from './client'

/** The Space of that name or id; without one the active Space. */
export async function findSpace({ api }: AdminClient, wanted: string | undefined): Promise<SpaceView> {
  const spaces = await must(api.spaces.get())
  const found =
    wanted === undefined
      ? spaces.find((space) => space.active)
      : (spaces.find((space) => space.id === wanted) ??
        spaces.find((space) => space.name.toLowerCase() === wanted.toLowerCase()))
  if (!found) throw new GatewayError('space.unknown', wanted)
  return found
}

/** The client of that id, or of that name in any case. */
export async function findClient({ api }: AdminClient, wanted: string): Promise<ClientView> {
  const clients = await must(api.clients.get())
  const found =
    clients.find((client) => client.id === wanted) ??
    clients.find((client) => client.name.toLowerCase() === wanted.toLowerCase())
  if (!found) throw new GatewayError('client.unknown', wanted)
  return found
}

/** One server of a Space by id, alias or name, in this order. */
export async function findServer(
  admin: AdminClient,
  wanted: string,
  spaceWanted: string | undefined,
): Promise<ServerView> {
  const space = await findSpace(admin, spaceWanted)
  const found = pick(await must(admin.api.servers.get({ query: { space: space.id } })), wanted)
  if (found) return found
  const elsewhere =
    spaceWanted === undefined ? pick(await must(admin.api.servers.get({ query: {} })), wanted) : null
  throw new GatewayError(
    'server.unknown',
    `${wanted} in Space ${space.name}${elsewhere ? `; there is one in another: "mcpmux show ${elsewhere.called.words}"` : ''}`,
  )
}

const pick = (servers: readonly ServerView[], wanted: string): ServerView | null =>
  servers.find((server) => server.id === wanted) ??
  servers.find((server) => server.alias === wanted && wanted !== '') ??
  servers.find((server) => server.name === wanted) ??
  null
