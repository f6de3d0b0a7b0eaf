// The real door on real sockets over real stores; only what lies behind it, the servers, is a stand-in.
import { createCallbackDoors } from '../../gateway/oauth/callback'
import { mintAccessKey } from '../../gateway/auth/access-key'
import { createAuthenticator } from '../../gateway/auth/authenticate'
import { createKeyUsage } from '../../gateway/auth/key-usage'
import type { FindDocument } from '../../gateway/signin/documents'
import { signInParts } from './sign-in-parts'
import { createEvents } from '../../gateway/events'
import { createDoor } from '../../gateway/mcp/door'
import type { Route } from '../../gateway/mcp/route'
import { openListener } from '../../gateway/mcp/listener'
import type { FeatureView } from '../../gateway/policy/feature-view'
import { changedKinds } from '../../gateway/policy/views'
import type { LogLevel } from '../../gateway/domain/exchange'
import { type Runtime, systemRuntime } from '../../gateway/runtime'
import { createRequestStates, requestDigest } from '../../gateway/router/request-state'
import { createAnnounce } from '../../gateway/session/announce'
import type { Listeners } from '../../gateway/session/listeners'
import { createPulse } from '../../gateway/session/pulse'
import { createSessionKeys } from '../../gateway/session/session-keys'
import { createSessions } from '../../gateway/session/sessions'
import { rawOf } from '../../gateway/wire/members'
import { resultMessage } from '../../gateway/wire/messages'
import { tasks } from './recording-upstreams'
import { initializeBody, mcpHeaders } from './raw-client'
import { openStores, tempStores } from './temp-store'

const encoder = new TextEncoder()

/** Of one server, which has nothing to offer. */
export const emptyView = (spaceId = 'space', version = 1): FeatureView => ({
  spaceId,
  version,
  list: () => [],
  find: () => {
    throw new Error('nothing here')
  },
  lookup: () => null,
  exposedUri: (_serverId, uri) => uri,
  route: () => null,
  rewritesUris: () => false,
  concerns: () => false,
  withheld: () => [],
  servers: () => [{ serverId: 'server', alias: 'server', instructions: null, capabilities: '{}' }],
})

/** Answers every call with its method and who asked. */
export const echoRoute: Route = async (view, message, exchange) =>
  resultMessage(
    message.id ? rawOf(message.bytes, message.id) : encoder.encode('null'),
    encoder.encode(
      JSON.stringify({ method: message.method, client: exchange.identity.clientId, space: view.spaceId }),
    ),
  )

export interface DoorOptions {
  route?: Route
  runtime?: Runtime
  view?: (clientId: string, spaceId: string) => FeatureView
  host?: string
  /** A database of an earlier door, to start again on. */
  file?: string
  /** Times one beat takes; the tests need not wait for real seconds. */
  beatMs?: number
  /** What lies in the vault; null while it is not open. Without it one and the same key, as after a restart. */
  sessionKey?: () => Uint8Array | null
  port?: number
  /** Documents of clients on the internet. */
  documents?: FindDocument
  /** The key of tokens in the vault; null while it is not open. Without it one and the same, as after a restart. */
  vaultKey?: () => Uint8Array | null
}

export async function startDoor(options: DoorOptions = {}) {
  const base = options.runtime ?? systemRuntime
  const beatMs = options.beatMs ?? 1000
  const runtime: Runtime = {
    ...base,
    sleep: (ms, signal) => base.sleep(ms === 1000 ? beatMs : ms, signal),
  }
  const stores = options.file ? { ...openStores(options.file, runtime), folder: '' } : tempStores(runtime)
  const problems: unknown[] = []
  const report = (error: unknown) => problems.push(error)
  const events = createEvents(report)
  const pulse = createPulse(runtime, report)
  const signIn = signInParts({
    stores,
    events,
    runtime,
    report,
    documents: options.documents,
    vaultKey: options.vaultKey,
  })
  const usage = createKeyUsage({ touch: stores.keys.touch, clients: stores.clients, runtime, report })
  const authenticator = createAuthenticator({
    keys: stores.keys,
    usage,
    runtime,
    events,
    tokens: signIn.tokens,
  })
  const spaceOf = () => 'space'
  const released: string[] = []
  const levels: (LogLevel | null)[] = []
  const sessionKeys = createSessionKeys({
    vaultKey: () => {
      const bytes = options.sessionKey ? options.sessionKey() : Buffer.alloc(32, 9)
      return bytes && { bytes, fresh: false }
    },
    runtime,
  })
  const sessions = createSessions({
    store: stores.sessions,
    keys: sessionKeys,
    upstreams: {
      release: (conversation) => void released.push(conversation),
      resume: () => {},
      setLogLevel: (_space, level) => void levels.push(level),
    },
    spaceOf,
    settings: stores.settings.read,
    runtime,
    events,
    pulse,
    report,
  })
  const view = options.view ?? ((_client: string, spaceId: string) => emptyView(spaceId))
  const listeners: Listeners = new Map()
  const announce = createAnnounce({
    sessions,
    listeners,
    view,
    spaceOf,
    tasks,
    changedKinds,
    events,
    runtime,
    report,
  })
  const seen: string[] = []
  const route = options.route ?? echoRoute
  const door = createDoor({
    authenticator,
    sessions,
    pulse,
    listeners,
    bindingOf: (visible, message, clientId) => ({
      clientId,
      spaceId: visible.spaceId,
      serverId: 'server',
      request: requestDigest(message),
    }),
    states: createRequestStates({
      keys: () => [new Uint8Array(32)],
      lifetime: () => stores.settings.read('timeouts.answer'),
      runtime,
    }),
    release: (conversation) => void released.push(conversation),
    runtime,
    route: (visible, message, exchange) => {
      seen.push(message.method ?? '')
      return route(visible, message, exchange)
    },
    view,
    spaceOf,
    signIn: signIn.doors,
    callbacks: createCallbackDoors(() => undefined),
    questions: { put: () => undefined, settled: () => Promise.resolve() },
    instructions: () => null,
    settings: stores.settings.read,
    version: '0.0.0',
    report,
  })
  const listener = await openListener({
    host: options.host ?? 'localhost',
    port: options.port ?? 0,
    handler: door.handler,
    report,
  })

  const keyFor = (name: string, expiresAt: number | null = null) => {
    const client = stores.clients.findByName(name) ?? stores.clients.create({ name, spaceId: null })
    const minted = mintAccessKey(runtime.randomBytes)
    const row = stores.keys.create({ clientId: client.id, hash: minted.hash, hint: minted.hint, expiresAt })
    return { text: minted.key.reveal(), keyId: row.id, clientId: client.id }
  }

  return {
    url: `http://127.0.0.1:${listener.port}/mcp`,
    port: listener.port,
    listener,
    stores,
    events,
    sessions,
    sessionKeys,
    announce,
    door,
    usage,
    /** Methods that reached the router. */
    seen,
    problems,
    released,
    levels,
    keyFor,
    signIn,
    async [Symbol.asyncDispose]() {
      await listener.stop()
      announce.close()
      sessions.close()
      sessionKeys[Symbol.dispose]()
      door.close()
      authenticator.close()
      signIn.approvals[Symbol.dispose]()
      pulse.stop()
      stores[Symbol.dispose]()
    },
  }
}
export type TestDoor = Awaited<ReturnType<typeof startDoor>>

/** Opens a session; resolves with its id. */
export async function openSession(url: string, key: string, version = '2025-11-25'): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: mcpHeaders(key),
    body: initializeBody(version),
  })
  const id = response.headers.get('mcp-session-id')
  if (!id) throw new Error(`no session: ${response.status} ${await response.text()}`)
  await response.text()
  return id
}

export const sessionHeaders = (key: string, session: string): Record<string, string> => ({
  ...mcpHeaders(key),
  'Mcp-Session-Id': session,
})

export const callBody = (id: number | string, method = 'tools/call', params = '{}') =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}","params":${params}}`

/** Waits until something holds; how long it takes is no matter. */
export async function until(what: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`never: ${what.toString()}`)
    await Bun.sleep(10)
  }
}
