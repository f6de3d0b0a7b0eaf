import { logLevels } from '../domain/exchange'
import type { EventBus } from '../events'
import type { FeatureView } from '../policy/feature-view'
import type { Downstream } from '../router/ports'
import type { TaskIds } from '../router/task-ids'
import type { Runtime } from '../runtime'
import type { Envelope } from '../wire/envelope'
import { member } from '../wire/members'
import { notificationMessage } from '../wire/messages'
import { splice } from '../wire/splice'
import { textOf } from '../wire/text'
import type { Audience, Listeners } from './listeners'
import type { Session } from './session'
import type { ChangedList, Sessions } from './sessions'

const QUIET_MS = 50
const encoder = new TextEncoder()

/** Tells open sessions what changed or arrived outside their calls. */
export interface Announce extends Downstream {
  close(): void
}

/**
 * After changes have been quiet for 50 ms (and at the latest after 500 ms) every session whose lists differ from
 * what it was last told gets list_changed, once per list.
 */
export function createAnnounce(deps: {
  sessions: Sessions
  listeners: Listeners
  view: (clientId: string, spaceId: string) => FeatureView
  spaceOf: (clientId: string) => string
  tasks: Pick<TaskIds, 'holderOf' | 'wrap'>
  changedKinds: (before: FeatureView, after: FeatureView) => Iterable<ChangedList>
  events: EventBus
  runtime: Pick<Runtime, 'sleep' | 'monotonic'>
  report: (error: unknown) => void
}): Announce {
  const { sessions, listeners, runtime } = deps
  const stop = new AbortController()
  let waiting = false
  let changedAgain = false

  const byLabel = (label: string): Audience | null => sessions.byLabel(label) ?? listeners.get(label) ?? null

  const viewOf = (session: Audience): FeatureView =>
    deps.view(session.facts.clientId, deps.spaceOf(session.facts.clientId))

  const tellChanges = (): void => {
    const compared = new Map<FeatureView, Map<FeatureView, Iterable<ChangedList>>>()
    for (const session of [...sessions.list(), ...listeners.values()]) {
      const after = viewOf(session)
      const before = session.told
      session.told = after
      if (before === null || before === after) continue
      const row = compared.get(before) ?? new Map<FeatureView, Iterable<ChangedList>>()
      compared.set(before, row)
      const changed = row.get(after) ?? [...deps.changedKinds(before, after)]
      row.set(after, changed)
      for (const list of changed)
        session.tell(notificationMessage(`notifications/${list}/list_changed`), list)
    }
  }

  const settle = async (): Promise<void> => {
    const latest = runtime.monotonic() + 10 * QUIET_MS
    do {
      changedAgain = false
      await runtime.sleep(QUIET_MS, stop.signal)
    } while (changedAgain && runtime.monotonic() < latest)
    waiting = false
    tellChanges()
  }

  const stopListening = deps.events.onAny((name) => {
    if (
      name !== 'policy.changed' &&
      name !== 'catalog.changed' &&
      name !== 'server.changed' &&
      name !== 'space.changed' &&
      name !== 'client.changed'
    )
      return
    changedAgain = true
    if (waiting) return
    waiting = true
    settle().catch((error: unknown) => {
      waiting = false
      if (!stop.signal.aborted) deps.report(error)
    })
  })

  /** The message with the URI as this session knows it; null when the session may not see it. */
  const withExposedUri = (
    session: Audience,
    serverId: string,
    uri: string,
    message: Envelope,
  ): Uint8Array | null => {
    const exposed = viewOf(session).exposedUri(serverId, uri)
    if (exposed === null || !message.params) return null
    if (exposed === uri) return message.bytes
    const span = member(message.bytes, message.params, 'uri')
    return span && splice(message.bytes, [{ ...span, with: encoder.encode(JSON.stringify(exposed)) }])
  }

  /** The session of a conversation, if its client may see anything of the server now: it may have changed its Space. */
  const entitled = (serverId: string, conversation: string): Session | null => {
    const session = sessions.byLabel(conversation)
    return session &&
      viewOf(session)
        .servers()
        .some((server) => server.serverId === serverId)
      ? session
      : null
  }

  /** Told with the id the client knows. What no session of its client is there for is dropped. */
  const tellOfTask = async (serverId: string, message: Envelope): Promise<void> => {
    const { bytes, params } = message
    const span = params && member(bytes, params, 'taskId')
    const taskId = span && textOf(bytes, span)
    if (!span || taskId === null) return
    const task = { serverId, taskId }
    // It may follow the answer that made the task so closely that the answer is not through yet.
    if (!deps.tasks.holderOf(task, null)) await runtime.sleep(QUIET_MS, stop.signal)
    const holder = deps.tasks.holderOf(task, null)
    const session = holder?.conversation ? entitled(serverId, holder.conversation) : null
    if (!holder || session?.facts.clientId !== holder.clientId) return
    const id = deps.tasks.wrap(viewOf(session), task, holder)
    session.tell(splice(bytes, [{ ...span, with: encoder.encode(JSON.stringify(id)) }]), `task ${id}`)
  }

  return {
    taskChanged(serverId, message) {
      tellOfTask(serverId, message).catch((error: unknown) => {
        if (!stop.signal.aborted) deps.report(error)
      })
    },
    resourceUpdated(serverId, uri, conversations, message) {
      for (const label of conversations) {
        const session = byLabel(label)
        const bytes = session && withExposedUri(session, serverId, uri, message)
        if (bytes) session.tell(bytes, `updated ${serverId} ${uri}`)
      }
    },
    log(serverId, conversation, message) {
      const session = entitled(serverId, conversation)
      if (!session) return
      const level = message.params && member(message.bytes, message.params, 'level')
      const name = level && textOf(message.bytes, level)
      const wanted = session.logLevel === null ? 0 : logLevels.indexOf(session.logLevel)
      const severity = logLevels.findIndex((known) => known === name)
      if (severity >= wanted) session.tell(message.bytes, null)
    },
    forward(serverId, conversation, message) {
      entitled(serverId, conversation)?.tell(message.bytes, null)
    },
    close() {
      stopListening()
      stop.abort()
    },
  }
}
