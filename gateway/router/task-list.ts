import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import { abilitiesOf } from '../policy/abilities'
import type { FeatureView } from '../policy/feature-view'
import { member } from '../wire/members'
import { requestMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { concat } from '../wire/splice'
import { encodeUtf8, textOf } from '../wire/text'
import type { Upstreams } from './ports'
import { holderIn, ownTasks } from './task-edits'
import type { TaskIds } from './task-ids'

/** Pages without a task of the client that are passed over before an empty one is given. */
const MOST_PAGES = 20

interface Place {
  serverId: string
  /** Of the server; null begins its list. */
  cursor: string | null
}

/**
 * `tasks/list` (MCP 2025-11-25, tasks): pages of the servers that list tasks, one server behind the other. A server
 * counts all clients of a Space as one and lists what each of them made, so only tasks this run saw the client make or
 * use are given, and only servers that have some are asked. One that fails is passed over.
 */
export async function listTasks(
  deps: { upstreams: Pick<Upstreams, 'request'>; tasks: TaskIds },
  view: FeatureView,
  given: string | null,
  exchange: Exchange,
): Promise<Uint8Array> {
  const holder = holderIn(exchange)
  const servers = view.servers().map(({ serverId }) => serverId)
  const from = given === null ? null : readCursor(given)
  if (from && !servers.includes(from.serverId)) throw new GatewayError('cursor.invalid')
  const { listing } = abilitiesOf(view)
  const holding = deps.tasks.serversOf(holder.clientId)
  const asked = servers.slice(from ? servers.indexOf(from.serverId) : 0).filter((serverId) => {
    return listing.has(serverId) && holding.has(serverId)
  })
  const places: Place[] = asked.map((serverId) => ({
    serverId,
    cursor: from?.serverId === serverId ? from.cursor : null,
  }))
  let found: Uint8Array[] = []
  for (let page = 0; page < MOST_PAGES && found.length === 0; page++) {
    const place = places.shift()
    if (!place) break
    try {
      const next = await pageAt(place)
      if (next !== null) places.unshift({ ...place, cursor: next })
    } catch (error) {
      if (exchange.cancelled) throw error
      // The others' tasks are as good as before.
    }
  }
  const [next] = places
  const rest = next ? `,"nextCursor":${JSON.stringify(cursorOf(next))}` : ''
  const list = found.flatMap((task, i) => (i > 0 ? [encodeUtf8(','), task] : [task]))
  return concat([encodeUtf8('{"tasks":['), ...list, encodeUtf8(`]${rest}}`)])

  async function pageAt({ serverId, cursor }: Place): Promise<string | null> {
    const message = scanMessage(requestMessage(1, 'tasks/list', cursor === null ? {} : { cursor }))
    const answer = await deps.upstreams.request(
      serverId,
      { message, edits: [], progressToken: null },
      exchange,
    )
    found = ownTasks({ tasks: deps.tasks, view, serverId, holder }, answer)
    const span = answer.result && member(answer.bytes, answer.result, 'nextCursor')
    return span && textOf(answer.bytes, span)
  }
}

const cursorOf = ({ serverId, cursor }: Place): string =>
  Buffer.from(JSON.stringify([serverId, cursor])).toString('base64url')

function readCursor(text: string): Place {
  try {
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(read) && read.length === 2) {
      const [serverId, cursor] = read as unknown[]
      if (typeof serverId === 'string' && (cursor === null || typeof cursor === 'string'))
        return { serverId, cursor }
    }
  } catch {
    // Whatever it is, it is none of ours.
  }
  throw new GatewayError('cursor.invalid')
}
