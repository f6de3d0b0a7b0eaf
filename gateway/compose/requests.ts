import type { Announce } from '../session/announce'
import { createAnnounce } from '../session/announce'
import { createClientSpace } from '../session/client-space'
import type { Listeners } from '../session/listeners'
import type { Pulse } from '../session/pulse'
import { createSpaceQuestions } from '../session/space-questions'
import { createSessionKeys } from '../session/session-keys'
import { createSessions } from '../session/sessions'
import { createLean } from '../policy/lean'
import { everywhereGrants, standingGrants } from '../policy/standing-grants'
import { changedKinds, createViews } from '../policy/views'
import { createLists } from '../router/lists'
import { createOperatorCalls } from '../router/operator-call'
import { createRequestStates } from '../router/request-state'
import { createRouter } from '../router/router'
import { createTaskIds } from '../router/task-ids'
import { createToolUsage } from '../router/tool-usage'
import type { Foundation, Parts } from './foundation'
import type { Servers } from './servers'

/** What a client may use: views of all clients, and the Space each works in. Before the pool, which tells of changes. */
export function openPolicy(parts: Parts, { stores, events, pins, runtime, fault }: Foundation) {
  const { spaces, servers, catalog, clients, sets, settings } = stores
  const usage = createToolUsage({ store: stores.toolUsage, runtime, report: fault })
  parts.defer(() => usage.close())
  const lean = createLean({
    sets: (spaceId) => sets.list(spaceId),
    grants: () => [...clients.grants(), ...everywhereGrants({ clients, spaces })],
    servers: (spaceId) => servers.list(spaceId),
    tools: (serverId) => catalog.get(serverId).features.filter(({ kind }) => kind === 'tool'),
    usage: usage.calls,
    fill: (setId, members) => sets.fill(setId, members),
    report: fault,
  })
  const views = createViews({
    events,
    data: {
      servers: (spaceId) => servers.list(spaceId),
      catalog: (serverId) => catalog.get(serverId),
      sets: lean.sets,
      grants: (clientId, spaceId) => standingGrants({ clients, spaces }, clientId, spaceId),
      pins,
    },
  })
  const questions = createSpaceQuestions({
    runtime,
    events,
    asks: (clientId) => clients.list().some(({ id, asks }) => id === clientId && asks),
    exists: (spaceId) => spaces.list().some(({ id }) => id === spaceId),
    lifetime: () => settings.read('timeouts.in_use'),
  })
  return { views, lean, usage, questions, spaceOf: createClientSpace({ clients, spaces, questions, events }) }
}

export type Policy = ReturnType<typeof openPolicy>

/** The way of a request from its client's session to a server, and of what comes back. */
export type Requests = ReturnType<typeof openRequests>

export function openRequests(
  parts: Parts,
  { stores, events, vault, runtime, trail, fault }: Foundation,
  { views, spaceOf, usage }: Policy,
  { pool }: Servers,
  pulse: Pulse,
) {
  const { servers, settings } = stores
  const lists = createLists({ settings: settings.read, absences: pool.absences })
  let runKey = runtime.randomBytes(32)
  const states = createRequestStates({
    // While the vault is closed, and for what was sealed before it opened, that of this run.
    // A copy: sealing takes a moment, in which the vault may wipe its own.
    keys: () => [vault.ownKey('state')?.bytes.slice(), runKey].filter((key) => key !== undefined),
    lifetime: () => settings.read('timeouts.answer'),
    runtime,
  })
  const tasks = createTaskIds({
    isolated: (id) => servers.list().some((one) => one.id === id && one.isolation !== 'shared'),
    keys: () => [vault.ownKey('task')?.bytes, runKey].filter((key) => key !== undefined),
  })
  const router = createRouter({
    ...{ upstreams: pool, lists, states, tasks, used: usage.used },
    refused: ({ clientId, spaceId, method, wanted }) =>
      trail.record({
        action: 'call.refused',
        actor: { via: 'client', clientId, credentialId: null },
        ...{ spaceId, subject: wanted, detail: { method } },
      }),
  })
  const operatorCalls = createOperatorCalls({
    router,
    view: views.operatorView,
    async readOnce(serverId, signal) {
      const { status } = pool.states().get(serverId) ?? { status: 'idle' }
      // One that is off offers nothing, whatever is known of it.
      const isOff = status === 'disabled' || status === 'needs_consent'
      if (isOff || stores.catalog.get(serverId).handshake === null) await pool.connect(serverId, signal)
    },
  })

  const sessionKeys = parts.use(createSessionKeys({ vaultKey: () => vault.ownKey('session'), runtime }))
  parts.defer(
    events.on('keys.renewed', () => {
      sessionKeys.renew()
      runKey = runtime.randomBytes(32)
    }),
  )
  const sessions = createSessions({
    store: stores.sessions,
    keys: sessionKeys,
    upstreams: pool,
    spaceOf,
    settings: settings.read,
    runtime,
    events,
    pulse,
    report: fault,
  })
  parts.defer(() => sessions.close())
  const listeners: Listeners = new Map()
  const announce: Announce = createAnnounce({
    sessions,
    listeners,
    view: views.view,
    spaceOf,
    tasks,
    changedKinds,
    events,
    runtime,
    report: fault,
  })
  parts.defer(() => announce.close())
  return { router, states, operatorCalls, sessionKeys, sessions, listeners, announce }
}
