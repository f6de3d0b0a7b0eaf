import { createHmac, timingSafeEqual } from 'node:crypto'
import { GatewayError } from '../errors'
import type { FeatureView } from '../policy/feature-view'

/** A task as its server knows it. */
export interface OwnTask {
  serverId: string
  taskId: string
}

/** Who may use a task: the client that made it, in the Space where it did. */
export interface TaskHolder {
  clientId: string
  /** The conversation that used it last; null for one that can be told nothing later. */
  conversation: string | null
}

/**
 * Ids of tasks (MCP 2025-11-25, tasks; extension `io.modelcontextprotocol/tasks` of 2026-07-28). A server's own id is
 * unique there only, so clients get it behind a mark that is good for one client, Space and server, and that nobody else
 * can make. Nothing of it is stored: it is good for as long as the key is.
 */
export interface TaskIds {
  /** The id a client sees. */
  wrap(view: FeatureView, task: OwnTask, holder: TaskHolder): string
  /**
   * The task behind an id, at a server of the view. Throws `rpc.params` for an id of another client or Space, of a
   * server the view does not show, and for one that is made up: they are one.
   */
  open(view: FeatureView, id: string, holder: TaskHolder): OwnTask
  /**
   * Whose a task is, as far as this run saw it made or used. Where each client has a process of its own, ids are unique for
   * that client only, and nothing is known without it.
   */
  holderOf(task: OwnTask, clientId: string | null): TaskHolder | null
  /** The servers at which this run saw tasks of a client. */
  serversOf(clientId: string): ReadonlySet<string>
}

const MARK = 22
/** Tasks whose holder is remembered; a client that makes many must not fill the memory. */
const MOST = 10_000

export interface TaskIdsDeps {
  /** Those that may have marked an id, the one in use first. */
  keys: () => readonly Uint8Array[]
  /** Whether a server has a process for each client or session. */
  isolated: (serverId: string) => boolean
}

export function createTaskIds(deps: TaskIdsDeps): TaskIds {
  const holders = new Map<string, OwnTask & TaskHolder>()

  const nameOf = ({ serverId, taskId }: OwnTask, clientId: string | null): string =>
    JSON.stringify([serverId, taskId, ...(deps.isolated(serverId) ? [clientId] : [])])

  function hold({ serverId, taskId }: OwnTask, { clientId, conversation }: TaskHolder): void {
    const name = nameOf({ serverId, taskId }, clientId)
    holders.delete(name)
    const [oldest] = holders.keys()
    if (holders.size >= MOST && oldest !== undefined) holders.delete(oldest)
    holders.set(name, { serverId, taskId, clientId, conversation })
  }

  const markOf = (key: Uint8Array, spaceId: string, clientId: string, task: OwnTask): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify(['task', spaceId, clientId, task.serverId, task.taskId]))
      .digest()
      .subarray(0, 16)

  return {
    wrap(view, task, holder) {
      const [key] = deps.keys()
      if (!key) throw new GatewayError('internal', 'no key for tasks')
      hold(task, holder)
      return `${markOf(key, view.spaceId, holder.clientId, task).toString('base64url')}.${task.taskId}`
    },
    open(view, id, holder) {
      const unknown = new GatewayError('rpc.params', 'no such task')
      const text = id.slice(0, MARK)
      const mark = Buffer.from(text, 'base64url')
      if (id[MARK] !== '.' || mark.length !== 16 || mark.toString('base64url') !== text) throw unknown
      const taskId = id.slice(MARK + 1)
      for (const key of deps.keys())
        for (const { serverId } of view.servers()) {
          const task = { serverId, taskId }
          if (!timingSafeEqual(mark, markOf(key, view.spaceId, holder.clientId, task))) continue
          // A server that counts from one again gives an old id to a new task, which may be somebody else's.
          const now = holders.get(nameOf(task, holder.clientId))
          if (now && now.clientId !== holder.clientId) throw unknown
          hold(task, holder)
          return task
        }
      throw unknown
    },
    holderOf: (task, clientId) => holders.get(nameOf(task, clientId)) ?? null,
    serversOf: (clientId) =>
      new Set([...holders.values()].filter((one) => one.clientId === clientId).map((one) => one.serverId)),
  }
}
