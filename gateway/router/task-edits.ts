// Where ids of tasks stand in messages, of both dialects: MCP 2025-11-25 and the extension of 2026-07-28.
import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { FeatureView } from '../policy/feature-view'
import type { Edit, Envelope, Span } from '../wire/envelope'
import { elements, member } from '../wire/members'
import { scanMessage } from '../wire/scan'
import { splice } from '../wire/splice'
import { textOf } from '../wire/text'
import { quote } from './params'
import type { TaskHolder, TaskIds } from './task-ids'

/** The key in `_meta` that names the task a message belongs to (MCP 2025-11-25, tasks). */
export const relatedTask = 'io.modelcontextprotocol/related-task'

/** Requests about one task that pass through; `tasks/list` is the gateway's to answer. */
export const taskMethods: ReadonlySet<string | null> = new Set([
  'tasks/get',
  'tasks/result',
  'tasks/update',
  'tasks/cancel',
])

/** One client's use of one server. */
export interface TaskSide {
  tasks: TaskIds
  view: FeatureView
  serverId: string
  holder: TaskHolder
}

export const holderIn = ({ identity, conversation }: Exchange): TaskHolder => ({
  clientId: identity.clientId,
  conversation,
})

/** `_meta[related-task].taskId` of parameters or of a result. */
function relatedSpan(bytes: Uint8Array, object: Span | null): Span | null {
  const meta = object && member(bytes, object, '_meta')
  const related = meta && member(bytes, meta, relatedTask)
  return related && member(bytes, related, 'taskId')
}

/** The edit that gives a server its own id back. Throws `rpc.params` for an id that is not this client's there. */
export function relatedUp(side: TaskSide, bytes: Uint8Array, object: Span | null): Edit[] {
  const span = relatedSpan(bytes, object)
  if (!span) return []
  const task = side.tasks.open(side.view, textOf(bytes, span) ?? '', side.holder)
  if (task.serverId !== side.serverId) throw new GatewayError('rpc.params', 'no such task')
  return [{ ...span, with: quote(task.taskId) }]
}

function wrapped(side: TaskSide, bytes: Uint8Array, span: Span | null): Edit[] {
  const taskId = span && textOf(bytes, span)
  if (!span || taskId === null) return []
  return [{ ...span, with: quote(side.tasks.wrap(side.view, { ...side, taskId }, side.holder)) }]
}

/** Edits of a server's result: a new task, a task that was asked for, and the task it belongs to. */
export function taskEdits(side: TaskSide, method: string | null, { bytes, result }: Envelope): Edit[] {
  if (!result) return []
  const type = member(bytes, result, 'resultType')
  const isTask = taskMethods.has(method) || (type !== null && textOf(bytes, type) === 'task')
  const made = method === 'tools/call' ? member(bytes, result, 'task') : null
  return [
    ...wrapped(side, bytes, isTask ? member(bytes, result, 'taskId') : null),
    ...wrapped(side, bytes, made && member(bytes, made, 'taskId')),
    ...wrapped(side, bytes, relatedSpan(bytes, result)),
  ]
}

/** The tasks of one page of a server's list that are this client's, each as it came but for its id. */
export function ownTasks(side: TaskSide, { bytes, result }: Envelope): Uint8Array[] {
  const list = result && member(bytes, result, 'tasks')
  const own: Uint8Array[] = []
  for (const task of list ? elements(bytes, list) : []) {
    const span = member(bytes, task, 'taskId')
    const taskId = span && textOf(bytes, span)
    if (!span || taskId === null) continue
    const holder = side.tasks.holderOf({ serverId: side.serverId, taskId }, side.holder.clientId)
    if (holder?.clientId !== side.holder.clientId) continue
    const edits = wrapped({ ...side, holder }, bytes, span).map((edit) => ({
      ...edit,
      start: edit.start - task.start,
      end: edit.end - task.start,
    }))
    own.push(splice(bytes.subarray(task.start, task.end), edits))
  }
  return own
}

/**
 * What a server sends during a call, with the client's ids: a message about a task goes to the client that has it, or to
 * nobody, whichever call is thought to have caused it.
 */
export function withTaskIds(exchange: Exchange, side: TaskSide): Exchange {
  const down = (bytes: Uint8Array, object: Span | null): Edit[] | null => {
    const span = relatedSpan(bytes, object)
    if (!span) return []
    const taskId = textOf(bytes, span) ?? ''
    const holder = side.tasks.holderOf({ serverId: side.serverId, taskId }, side.holder.clientId)
    return holder?.clientId === side.holder.clientId ? wrapped(side, bytes, span) : null
  }
  return {
    identity: exchange.identity,
    era: exchange.era,
    conversation: exchange.conversation,
    clientCapabilities: exchange.clientCapabilities,
    get logLevel() {
      return exchange.logLevel
    },
    get progressToken() {
      return exchange.progressToken
    },
    notify(message) {
      const { bytes, params } = scanMessage(message)
      const edits = down(bytes, params)
      if (edits) exchange.notify(splice(bytes, edits))
    },
    async ask(method, params, signal, onProgress) {
      const edits = down(params, { start: 0, end: params.length })
      if (!edits) throw new GatewayError('rpc.params', 'the client of this call has no such task')
      const answer = await exchange.ask(method, splice(params, edits), signal, onProgress)
      const { result } = scanMessage(answer)
      return splice(answer, relatedUp(side, answer, result))
    },
    get signal() {
      return exchange.signal
    },
    get cancelled() {
      return exchange.cancelled
    },
    onCancel: (listener) => exchange.onCancel(listener),
  }
}
