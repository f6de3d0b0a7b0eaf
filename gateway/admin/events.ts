import { sse } from 'elysia'
import type { EventName, Events } from '../events'
import { type ApprovalView, approvalViews } from './approvals'
import { type ClientView, clientView } from './client-view'
import type { AdminDeps } from './deps'
import { type FlowView, flowView, isLive } from './flow-view'
import { resource } from './resource'
import { type ServerView, serverView } from './server-view'
import { type SettingView, settingViews } from './settings'
import { type SpaceView, spaceViews } from './spaces'
import { readStatus, type Status } from './status'
import { type VaultView, vaultView } from './vault-view'

/** The whole state; a reader that gets one forgets what it had. */
export interface Snapshot {
  status: Status
  spaces: SpaceView[]
  servers: ServerView[]
  clients: ClientView[]
  /** Sign-ins at servers that are under way. */
  flows: FlowView[]
  settings: SettingView[]
}

/** One message of the stream, told apart by `event`. A null row was removed. */
export type Delta =
  | { event: 'snapshot'; data: Snapshot }
  | { event: 'server'; data: { id: string; server: ServerView | null } }
  | { event: 'spaces'; data: SpaceView[] }
  | { event: 'client'; data: { id: string; client: ClientView | null } }
  | { event: 'flow'; data: { id: string; flow: FlowView | null } }
  | { event: 'settings'; data: SettingView[] }
  | { event: 'vault'; data: VaultView }
  | { event: 'approvals'; data: ApprovalView[] }
  | { event: 'policy'; data: { spaceId: string | null; clientId: string | null } }

/** Changes that may wait for a slow reader; with more it gets a new snapshot instead. */
const MAX_WAITING = 256

const snapshot = (deps: AdminDeps): Snapshot => ({
  status: readStatus(deps),
  spaces: spaceViews(deps),
  servers: deps.servers.list().map((server) => serverView(server, deps)),
  clients: deps.clients.list().map((client) => clientView(client, deps)),
  flows: deps.flows.list().filter(isLive).map(flowView),
  settings: settingViews(deps.settings),
})

/** What must be told, without the rows: they are read when the reader is ready, so that it gets them as they are then. */
type Due =
  | { about: 'server' | 'client' | 'flow'; id: string }
  | { about: 'spaces' | 'settings' | 'vault' | 'approvals' }
  | { about: 'policy'; spaceId: string | null; clientId: string | null }

function dueFor(name: EventName, event: Events[EventName]): Due | null {
  if (name === 'space.changed') return { about: 'spaces' }
  if (name === 'settings.changed') return { about: 'settings' }
  if (name === 'vault.changed') return { about: 'vault' }
  if (name === 'approvals.changed') return { about: 'approvals' }
  if ('flowId' in event) return { about: 'flow', id: event.flowId }
  if ('serverId' in event) return { about: 'server', id: event.serverId }
  if (name === 'policy.changed' && 'spaceId' in event && 'clientId' in event)
    return { about: 'policy', spaceId: event.spaceId, clientId: event.clientId }
  if ('clientId' in event && event.clientId !== null) return { about: 'client', id: event.clientId }
  return null
}

function read(due: Due, deps: AdminDeps): Delta {
  switch (due.about) {
    case 'server': {
      const server = deps.servers.list().find(({ id }) => id === due.id)
      return { event: 'server', data: { id: due.id, server: server ? serverView(server, deps) : null } }
    }
    case 'client': {
      const client = deps.clients.list().find(({ id }) => id === due.id)
      return { event: 'client', data: { id: due.id, client: client ? clientView(client, deps) : null } }
    }
    case 'flow': {
      const flow = deps.flows.list().find(({ id }) => id === due.id)
      return { event: 'flow', data: { id: due.id, flow: flow ? flowView(flow) : null } }
    }
    case 'spaces':
      return { event: 'spaces', data: spaceViews(deps) }
    case 'settings':
      return { event: 'settings', data: settingViews(deps.settings) }
    case 'vault':
      return { event: 'vault', data: vaultView(deps) }
    case 'approvals':
      return { event: 'approvals', data: approvalViews(deps) }
    case 'policy':
      return { event: 'policy', data: { spaceId: due.spaceId, clientId: due.clientId } }
  }
}

/** First a snapshot, then deltas, until `signal` aborts. Pulled by its reader; a change that is already due is told once. */
export async function* changes(deps: AdminDeps, signal: AbortSignal): AsyncGenerator<Delta> {
  const waiting = new Map<string, Due>()
  let wake = () => {}
  const off = deps.events.onAny((name, event) => {
    const due = dueFor(name, event)
    if (due && waiting.size <= MAX_WAITING) waiting.set(JSON.stringify(due), due)
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    yield { event: 'snapshot', data: snapshot(deps) }
    while (!signal.aborted) {
      if (waiting.size > MAX_WAITING) {
        waiting.clear()
        yield { event: 'snapshot', data: snapshot(deps) }
        continue
      }
      const next = waiting.entries().next()
      if (next.done) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const [key, due] = next.value
      waiting.delete(key)
      yield read(due, deps)
    }
  } finally {
    off()
    signal.removeEventListener('abort', onAbort)
  }
}

/** `GET /events`: the state of everything, kept up to date, as server-sent events. */
export const eventRoutes = (deps: AdminDeps) =>
  resource('/events').get('/', async function* ({ request }) {
    for await (const delta of changes(deps, request.signal)) yield sse(delta)
  })
