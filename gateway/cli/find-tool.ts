import type { ServerView } from '../admin/server-view'
import { GatewayError } from '../errors'
import { type AdminClient, must } from './client'
import { findServer, findSpace } from './find'

/** The server a name belongs to by its prefix, where its tools are not known: what is in the way is said by calling it. */
async function ofUnread(
  admin: AdminClient,
  name: string,
  spaceId: string,
): Promise<{ server: ServerView; tool: string } | null> {
  const servers = await must(admin.api.servers.get({ query: { space: spaceId } }))
  const [server] = servers
    .filter(({ alias, refreshedAt }) => refreshedAt === null && alias !== '' && name.startsWith(`${alias}_`))
    .toSorted((a, b) => b.alias.length - a.alias.length)
  return server ? { server, tool: name.slice(server.alias.length + 1) } : null
}

/** A tool given as SERVER/TOOL, or under the name clients see: its server, and the name it has there. */
export async function findTool(
  admin: AdminClient,
  target: string,
  spaceWanted: string | undefined,
): Promise<{ server: ServerView; tool: string }> {
  const slash = target.indexOf('/')
  if (slash > 0) {
    const server = await findServer(admin, target.slice(0, slash), spaceWanted)
    return { server, tool: target.slice(slash + 1) }
  }
  const { id } = await findSpace(admin, spaceWanted)
  const tools = await must(admin.api.tools.get({ query: { space: id } }))
  const seen = tools.find(({ name }) => name === target)
  const unread = seen ? null : await ofUnread(admin, target, id)
  if (unread) return unread
  if (!seen)
    throw new GatewayError('feature.unknown', 'give SERVER/TOOL, or a name that `mcpmux tools` lists')
  return { server: await findServer(admin, seen.serverId, id), tool: seen.original }
}
