import type { ServerView } from '../admin/server-view'
import { GatewayError } from '../errors'
import { type AdminClient, must } from './client'
import { findServer, findSpace } from './find'

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
  if (!seen)
    throw new GatewayError('feature.unknown', 'give SERVER/TOOL, or a name that `mcpmux tools` lists')
  return { server: await findServer(admin, seen.serverId, id), tool: seen.original }
}
