import { createCalled } from '../../gateway/domain/called'
import { treaty } from '@elysiajs/eden'
import { join } from 'node:path'
import { type AdminApi, adminApi } from '../../gateway/admin/app'
import type { AdminDeps } from '../../gateway/admin/deps'
import { openOAuth } from '../../gateway/compose/oauth'
import type { UpstreamState } from '../../gateway/domain/upstream-state'
import { createEvents, type EventName } from '../../gateway/events'
import { createAuditTrail } from '../../gateway/logs/audit'
import { createJournal } from '../../gateway/logs/journal'
import { createLean } from '../../gateway/policy/lean'
import { standingGrants } from '../../gateway/policy/standing-grants'
import { createViews } from '../../gateway/policy/views'
import { systemRuntime } from '../../gateway/runtime'
import { createConsents } from '../../gateway/secrets/consents'
import { createRedactor } from '../../gateway/secrets/redactor'
import { createServerSecrets } from '../../gateway/secrets/server-secrets'
import { createValueResolver } from '../../gateway/secrets/server-values'
import { createSpaceSecrets } from '../../gateway/secrets/space-secrets'
import { createSessionKeys } from '../../gateway/session/session-keys'
import { tempPins } from './pins'
import { testFetch } from './remote-leg'
import { signInParts } from './sign-in-parts'
import { tempVault } from './temp-vault'
import { tempStores } from './temp-store'

/** What the admin API asked of live servers, in order. */
export type Asked = [what: 'connect' | 'restart' | 'stop' | 'call', serverId: string, detail?: string]

/**
 * The admin API over real stores in a throw-away folder. Live servers are the one thing that is not there: what is
 * asked of them is recorded, and a call is answered with the bytes of `answer`. `fetch` is what goes to authorization servers.
 */
export function tempAdmin(
  answer = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}',
  { fetch } = { fetch: systemRuntime.fetch },
) {
  const stores = tempStores()
  const asked: Asked[] = []
  const emitted: EventName[] = []
  const states = new Map<string, UpstreamState>()
  const events = createEvents((error) => {
    throw error
  })
  events.onAny((name) => emitted.push(name))
  const quits: number[] = []
  const internals: unknown[] = []
  const { vault } = tempVault(stores)
  const trail = createAuditTrail({
    store: stores.audit,
    redact: (text) => text,
    settings: stores.settings.read,
    runtime: systemRuntime,
    report: (error) => {
      throw error
    },
  })
  const { pins } = tempPins(stores, events)
  const lean = createLean({
    sets: (spaceId) => stores.sets.list(spaceId),
    grants: () => stores.clients.grants(),
    servers: (spaceId) => stores.servers.list(spaceId),
    tools: (serverId) => stores.catalog.get(serverId).features.filter(({ kind }) => kind === 'tool'),
    usage: (spaceId) => {
      const used = stores.toolUsage.since(spaceId, 0)
      return (serverId, tool) =>
        used.find((one) => one.serverId === serverId && one.tool === tool)?.calls ?? 0
    },
    fill: (setId, members) => stores.sets.fill(setId, members),
    report: (error) => internals.push(error),
  })
  const signIn = signInParts({ stores, events, runtime: systemRuntime })
  const secrets = createServerSecrets({ vault, credentials: stores.credentials })
  const namedSecrets = createSpaceSecrets({ vault, store: stores.spaceSecrets })
  const consents = createConsents({
    store: stores.consents,
    fileKey: new Uint8Array(32).fill(7),
    vaultKey: () => vault.ownKey('consent'),
  })
  const called = createCalled(stores)
  const parts = new AsyncDisposableStack()
  const oauth = openOAuth(
    parts,
    {
      ...{
        runtime: systemRuntime,
        redactor: createRedactor(),
        vault,
        events,
        stores,
        consents,
        trail,
        called,
      },
      safeFetch: testFetch({ runtime: { ...systemRuntime, fetch } }),
      fault: (error) => internals.push(error),
      tell: { server: () => undefined },
    },
    () => ({ port: 1, addresses: ['127.0.0.1'] }),
  )
  const opened: string[] = []
  const deps: AdminDeps = {
    ...stores,
    called,
    flows: oauth.flows,
    logins: oauth.tokens,
    signInStateOf: oauth.stateOf,
    clientIds: oauth.registrations,
    leaveIssuers: (server) => void oauth.withdraw(server),
    openBrowser: async (url) => {
      opened.push(url)
      return { outcome: 'opened' }
    },
    pins,
    spaceOf: (clientId) => stores.clients.get(clientId).spaceId ?? stores.spaces.active().id,
    questions: { open: () => [], choose: () => undefined, refuse: () => undefined },
    runtime: systemRuntime,
    events,
    vault,
    secrets,
    namedSecrets,
    values: createValueResolver({
      secrets,
      spaceSecrets: namedSecrets,
      environment: { KNOWN_VARIABLE: 'known' },
    }),
    consentRows: stores.consents,
    consents,
    decisions: signIn.decisions,
    endSignIn: signIn.signIns.revoke,
    sessionKeys: createSessionKeys({ vaultKey: () => vault.ownKey('session'), runtime: systemRuntime }),
    operator: {
      states: () => states,
      connect: async (serverId) => {
        asked.push(['connect', serverId])
        return states.get(serverId) ?? { status: 'idle' }
      },
      restart: async (serverId) => {
        asked.push(['restart', serverId])
      },
      stop: async (serverId) => {
        asked.push(['stop', serverId])
      },
      call: async (_spaceId, serverId, tool, argumentsJson) => {
        asked.push(['call', serverId, `${tool} ${new TextDecoder().decode(argumentsJson)}`])
        return new TextEncoder().encode(answer)
      },
    },
    lean,
    views: createViews({
      data: {
        servers: (spaceId) => stores.servers.list(spaceId),
        catalog: (serverId) => stores.catalog.get(serverId),
        sets: lean.sets,
        grants: (clientId, spaceId) => standingGrants(stores, clientId, spaceId),
        pins,
      },
      events,
    }),
    info: () => ({
      version: '1.2.3',
      pid: process.pid,
      startedAt: 1,
      mcpUrl: 'http://127.0.0.1:1/mcp',
      adminUrl: 'http://127.0.0.1:2',
      signInUrl: 'http://localhost:1/mcp',
      sessions: [],
    }),
    problems: stores.db.problems,
    logs: createJournal({
      folder: join(stores.folder, 'logs'),
      redact: (text) => text,
      runtime: systemRuntime,
    }),
    trail,
    record: (_request, entry) => trail.record({ ...entry, actor: { via: 'window' } }),
    quit: () => quits.push(1),
  }
  const app = adminApi(deps, (cause) => internals.push(cause))
  const fetcher = Object.assign(
    async (input: string | URL | Request, init?: RequestInit) => app.handle(new Request(input, init)),
    { preconnect: () => {} },
  )
  return {
    deps,
    app,
    api: treaty<AdminApi>('http://localhost', { fetcher }),
    asked,
    emitted,
    states,
    quits,
    internals,
    stores,
    signIn,
    oauth,
    vault,
    /** Addresses that went to the browser. */
    opened,
    /** A raw request: for what a typed client would not send. */
    async raw(method: string, path: string, body?: unknown, contentType = 'application/json') {
      const response = await app.handle(
        new Request(`http://localhost${path}`, {
          method,
          ...(body === undefined
            ? {}
            : {
                body: typeof body === 'string' ? body : JSON.stringify(body),
                headers: { 'content-type': contentType },
              }),
        }),
      )
      return { status: response.status, text: await response.text() }
    },
    [Symbol.dispose]() {
      signIn.approvals[Symbol.dispose]()
      void parts.disposeAsync()
      stores[Symbol.dispose]()
    },
  }
}

export const plainServer = (spaceId: string, name = 'Files') => ({
  spaceId,
  name,
  definition: {
    type: 'stdio' as const,
    command: 'node',
    args: ['server.js'],
    env: { LEVEL: 'debug' },
    cwd: null,
  },
  source: 'cli' as const,
})
