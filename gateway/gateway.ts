// The composition root: builds every part, opens the doors, and takes all of it down again in the right order.
import { join } from 'node:path'
import { adminApi } from './admin/app'
import { openAdminListener } from './admin/listener'
import { createAuthenticator } from './auth/authenticate'
import { createKeyUsage } from './auth/key-usage'
import type { Config } from './config'
import { openLibc } from './control/libc'
import { lockDataFolder } from './control/lock'
import { controlPath } from './control/path'
import { executableReader } from './control/process-info'
import { openControlSocket } from './control/socket'
import { GatewayError, toGatewayError } from './errors'
import { createEvents } from './events'
import { createJournal } from './logs/journal'
import { createTeller } from './logs/teller'
import { createDoor } from './mcp/door'
import { openListener } from './mcp/listener'
import { systemResolve } from './net/reach'
import { createSafeFetch } from './net/safe-fetch'
import { mergeInstructions } from './policy/instructions'
import { changedKinds, createViews } from './policy/views'
import { createLists } from './router/lists'
import { createOperatorCalls } from './router/operator-call'
import { createRequestStates } from './router/request-state'
import { createRouter } from './router/router'
import { createTaskIds } from './router/task-ids'
import type { Runtime } from './runtime'
import { createConsents } from './secrets/consents'
import { openInstallKey } from './secrets/install-key'
import { createRedactor } from './secrets/redactor'
import type { Keychain } from './secrets/keychain'
import { createOsKeychain } from './secrets/os-keychain'
import { createServerSecrets } from './secrets/server-secrets'
import { createVault } from './secrets/vault'
import { createWrappingKeys } from './secrets/wrapping-keys'
import { createAnnounce, type Announce } from './session/announce'
import { createClientSpace } from './session/client-space'
import type { Listeners } from './session/listeners'
import { createPulse } from './session/pulse'
import { createSessionKeys } from './session/session-keys'
import { createSessions } from './session/sessions'
import { openStores } from './store/stores'
import { createUpkeep } from './store/upkeep'
import { createPool } from './upstream/pool'
import { openProcesses } from './process/processes'
import { createOpenChannel } from './transport/open-channel'
import { version } from './version'

export interface GatewayOptions {
  runtime: Runtime
  /** Overrides the setting for this run; 0 takes a free port. */
  port?: number
  host?: string
  /** That of the operating system unless told. */
  keychain?: Keychain
  /** Also reports every line of every server: its stderr, and what was wrong with what it sent. */
  verbose?: boolean
  /** Takes one line for the person who runs the gateway: states of servers, changes by the admin door. */
  report?: (line: string) => void
}

/** A gateway that serves. */
export interface Gateway {
  mcpUrl: string
  adminUrl: string
  /** Drains for up to five seconds, then ends everything. Idempotent. */
  stop(): Promise<void>
  /** Resolves when the gateway has stopped: with null when it was asked to, else with why it could not go on. */
  stopped: Promise<GatewayError | null>
  /** Takes what nobody caught. */
  fault(error: unknown): void
}

const DRAIN_MS = 5000
/** What an answer needs to leave, before its connection is closed. */
const FAREWELL_MS = 100
/** Beats between two looks at what must hold, and between two turns of the upkeep. */
const LOOK_BEATS = 3
const UPKEEP_BEATS = 10

/** Starts the gateway on its data folder. Throws before anything is served when it cannot be served whole. */
export async function startGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const { runtime } = options
  const redactor = createRedactor()
  const { redact } = redactor
  const journal = createJournal({ folder: join(config.dataDir, 'logs'), redact, runtime })
  const tell = createTeller({ journal, redact, runtime, report: options.report, verbose: options.verbose })
  const { fault } = tell
  const startedAt = runtime.now()
  const libc = openLibc(config.platform)
  const lock = lockDataFolder(config.dataDir, libc)
  // What is open so far, ended in reverse when the start fails half-way or the gateway stops.
  const parts = new AsyncDisposableStack()
  parts.defer(() => lock.release())
  parts.use(journal)
  try {
    const file = join(config.dataDir, 'mcpmux.db')
    const stores = openStores(file, runtime)
    parts.defer(() => stores.db.close())
    const upkeep = parts.use(createUpkeep({ db: stores.db, file, runtime, report: fault }))
    const { spaces, servers, catalog, clients, settings, sets } = stores
    const events = createEvents(fault)
    const keychain = options.keychain ?? createOsKeychain({ platform: config.platform, runtime })
    const vault = parts.use(
      createVault({
        keys: stores.dataKeys,
        wrapping: createWrappingKeys({ keychain, dataDir: config.dataDir, runtime }),
        keychain: keychain.name,
        runtime,
        onChange(state) {
          tell.vault(state)
          events.emit('vault.changed', { state })
        },
      }),
    )
    // The keychain takes its time, and what follows needs none of it.
    const unlocking = vault.unlock(null).catch(fault)
    const secrets = createServerSecrets({ vault, credentials: stores.credentials })
    const consents = createConsents({
      store: stores.consents,
      fileKey: openInstallKey(config.dataDir, runtime),
      vaultKey: () => vault.ownKey('consent'),
    })

    const processes = parts.use(openProcesses({ config, runtime, onError: fault }))
    const swept = await processes.sweep()
    if (swept > 0) tell.note(`ended ${swept} processes an earlier run left behind`)

    await unlocking
    vault.watch()
    const views = createViews({
      events,
      data: {
        servers: (spaceId) => servers.list(spaceId),
        catalog: (serverId) => catalog.get(serverId),
        sets: (spaceId) => sets.list(spaceId),
        grants: (clientId) => clients.grants(clientId),
      },
    })
    const spaceOf = createClientSpace({ clients, spaces, events })

    let announce: Announce | null = null
    const pool = parts.use(
      createPool({
        runtime,
        settings: settings.read,
        events,
        servers,
        catalog,
        eras: stores.eras,
        secrets,
        sessions: stores.sessions,
        downstream: {
          resourceUpdated: (...update) => announce?.resourceUpdated(...update),
          log: (...message) => announce?.log(...message),
          taskChanged: (...change) => announce?.taskChanged(...change),
          forward: (...message) => announce?.forward(...message),
        },
        consented: (server) => consents.of(server) !== null,
        open: createOpenChannel({
          config,
          settings: settings.read,
          runtime,
          safeFetch: createSafeFetch({ runtime, environment: config.environment, resolve: systemResolve }),
          redactor,
          stdio: processes,
        }),
        redact,
        log: tell.server,
      }),
    )
    parts.defer(
      events.on('upstream.state', ({ serverId, state }) => {
        const server = servers.list().find(({ id }) => id === serverId)
        if (server) tell.state(server, state)
      }),
    )
    journal.retain(servers.list().map(({ id }) => id))
    parts.defer(
      events.on('server.changed', ({ serverId }) => {
        if (!servers.list().some(({ id }) => id === serverId)) journal.remove(serverId)
      }),
    )
    const lists = createLists({ settings: settings.read, absences: pool.absences })
    const runKey = runtime.randomBytes(32)
    const states = createRequestStates({
      // While the vault is closed, and for what was sealed before it opened, that of this run.
      keys: () => [vault.ownKey('state')?.bytes, runKey].filter((key) => key !== undefined),
      lifetime: () => settings.read('timeouts.answer'),
      runtime,
    })
    const tasks = createTaskIds({
      isolated: (id) => servers.list().some((one) => one.id === id && one.isolation !== 'shared'),
      keys: () => [vault.ownKey('task')?.bytes, runKey].filter((key) => key !== undefined),
    })
    const router = createRouter({ upstreams: pool, lists, states, tasks })
    const operatorCalls = createOperatorCalls({ router, view: views.operatorView })

    const pulse = createPulse(runtime, fault, (cause) =>
      breach(new GatewayError('internal', 'its pulse stopped', { cause })),
    )
    parts.defer(() => pulse.stop())
    const sessionKeys = parts.use(createSessionKeys({ vaultKey: () => vault.ownKey('session'), runtime }))
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
    announce = createAnnounce({
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
    parts.defer(() => announce?.close())
    const usage = createKeyUsage({ keys: stores.keys, clients, runtime, report: fault })
    parts.defer(() => usage.close())
    const authenticator = createAuthenticator({
      keys: stores.keys,
      usage,
      runtime,
      events,
      refused: tell.wrongKey,
    })
    parts.defer(() => authenticator.close())

    const door = createDoor({
      authenticator,
      sessions,
      pulse,
      listeners,
      route: router.route,
      bindingOf: router.bindingOf,
      states,
      release: pool.release,
      view: views.view,
      spaceOf,
      instructions: mergeInstructions,
      settings: settings.read,
      runtime,
      version,
      report: fault,
    })
    parts.defer(events.on('client.revoked', (of) => door.cancel(new GatewayError('auth.invalid_key'), of)))
    parts.defer(events.on('key.rotated', door.endStreams))
    const listener = await openListener({
      host: options.host ?? settings.read('host'),
      port: options.port ?? settings.read('port'),
      handler: door.handler,
      report: fault,
    })
    parts.defer(() => listener.stop())
    parts.defer(() => door.close())
    const mcpUrl = `http://127.0.0.1:${listener.port}/mcp`

    const done = Promise.withResolvers<GatewayError | null>()
    let adminUrl = ''
    const admin = adminApi(
      {
        ...stores,
        runtime,
        events,
        secrets,
        vault,
        consents,
        sessionKeys,
        views,
        operator: {
          states: pool.states,
          async connect(serverId, signal) {
            const thrown = await pool.connect(serverId, signal).then(() => null, toGatewayError)
            const state = pool.states().get(serverId) ?? { status: 'idle' }
            // Stopped or removed meanwhile: the state at rest would look like a success.
            if (thrown && !signal?.aborted && (state.status === 'idle' || state.status === 'connecting'))
              throw thrown
            return state
          },
          restart: pool.restart,
          stop: pool.stop,
          call: operatorCalls.call,
        },
        info: () => ({
          version,
          pid: process.pid,
          startedAt,
          mcpUrl,
          adminUrl,
          sessions: [...sessions.list()].map(({ facts, lastSeen }) => ({
            clientId: facts.clientId,
            clientInfo: facts.clientInfo,
            protocolVersion: facts.protocolVersion,
            lastSeenAt: lastSeen,
          })),
        }),
        problems: stores.db.problems,
        logs: journal,
        quit: () => void stop(),
      },
      fault,
    )
    const adminListener = parts.use(
      openAdminListener({
        runtime,
        app: admin,
        audit: ({ method, path }) => tell.change(method, path, null),
      }),
    )
    adminUrl = adminListener.url
    parts.use(redactor.hold([adminListener.token]))
    parts.use(
      openControlSocket({
        path: controlPath(config),
        app: admin,
        libc,
        isOurDescendant: processes.trees.owns,
        executableOf: executableReader(config.platform),
        audit: ({ method, path, pid, executable }) => tell.change(method, path, { pid, executable }),
      }),
    )

    tell.quietNote(`McpMux ${version} serves ${mcpUrl}`)
    parts.defer(() => tell.quietNote('stopped taking calls'))

    let stopping: Promise<void> | null = null
    function stop(): Promise<void> {
      stopping ??= drain().then(() => end(null))
      return stopping
    }
    /** A promise does not hold any more, so it is not for us to go on: the servers end, and whoever supervises us acts. */
    function breach(error: GatewayError): void {
      fault(error)
      stopping ??= end(error)
    }
    /** Whatever fails on the way down does not keep the rest from ending. */
    async function end(why: GatewayError | null): Promise<void> {
      try {
        operatorCalls.close()
        await parts.disposeAsync()
      } catch (error) {
        fault(error)
      }
      done.resolve(why)
    }
    parts.defer(
      pulse.onBeat((beat) => {
        if (beat % LOOK_BEATS === 0 && !lock.holds()) breach(new GatewayError('store.gone'))
        if (beat % UPKEEP_BEATS === 0) upkeep.turn(door.inFlight() === 0)
      }),
    )
    /**
     * Calls in flight get a moment to end; new ones are still taken, because their client cannot know. What is left
     * then is told so.
     */
    async function drain(): Promise<void> {
      const end = runtime.monotonic() + DRAIN_MS
      while (door.inFlight() + operatorCalls.inFlight() > 0 && runtime.monotonic() < end)
        await runtime.sleep(25)
      if (door.inFlight() === 0) return
      door.cancel(new GatewayError('upstream.lost', 'McpMux is stopping'))
      await runtime.sleep(FAREWELL_MS)
    }
    return { mcpUrl, adminUrl, stop, stopped: done.promise, fault }
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}
