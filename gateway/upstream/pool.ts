import type { Called } from '../domain/called'
import type { Exchange, LogLevel } from '../domain/exchange'
import type { Server } from '../domain/server'
import type { ReadSetting } from '../domain/settings'
import type { UpstreamState } from '../domain/upstream-state'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Absence, Downstream, Upstreams } from '../router/ports'
import type { Runtime } from '../runtime'
import type { ServerValues, ValueResolver } from '../secrets/server-values'
import type { CatalogStore } from '../store/catalog'
import type { EraStore } from '../store/eras'
import type { ServerStore } from '../store/servers'
import type { SessionStore } from '../store/sessions'
import { createBackoff } from './backoff'
import type { Channel, ChannelEvents } from '../transport/channel'
import { createFirstReads } from './first-reads'
import { createIsolated } from './isolated'
import { createStartGate } from './start-gate'
import { Upstream } from './upstream'
import type { UpstreamDeps } from './upstream-deps'
import { createUsage } from './usage'

const SWEEP_MS = 1000
/** A pause between two sweeps after which this process, or the machine, did not run. */
const SLEPT_MS = 5000
/** How often stale catalogs are looked for. */
const REFRESH_CHECK_MS = 600_000

export interface PoolDeps {
  runtime: Runtime
  settings: ReadSetting
  called: Called
  events: EventBus
  servers: ServerStore
  catalog: CatalogStore
  eras: EraStore
  values: Pick<ValueResolver, 'resolve' | 'stamp'>
  /** Sign-ins at servers: what of one keeps it from being started, and what differs once it is another one. */
  signIns: Pick<UpstreamDeps, 'blockedBy'> & UpstreamDeps['signIns'] & { stamp(serverId: string): string }
  /** Where subscriptions of sessions survive a rest and a restart. */
  sessions: Pick<SessionStore, 'subscriptions' | 'subscribe' | 'unsubscribe'>
  downstream: Downstream
  /** True when the person approved exactly this definition. */
  consented(server: Server): boolean
  open(server: Server, values: ServerValues, events: ChannelEvents): Promise<Channel>
  log: UpstreamDeps['log']
  redact: UpstreamDeps['redact']
}

/** All upstreams, one per Server row, following the rows as they change. */
export interface Pool extends Upstreams, AsyncDisposable {
  states(): ReadonlyMap<string, UpstreamState>
  /** Starts a server and reads its lists. */
  connect(serverId: string, signal?: AbortSignal): Promise<UpstreamState>
  restart(serverId: string): Promise<void>
  stop(serverId: string): Promise<void>
  /** Servers of a Space whose features may be missing or old, and why. */
  absences(spaceId: string): Absence[]
}

/** Starts servers that are to keep running at once, and stale ones to read them again; ends all when disposed. */
export function createPool(deps: PoolDeps): Pool {
  const { runtime, settings, events, servers, catalog } = deps
  const upstreams = new Map<string, Upstream>()
  const usage = createUsage()
  const gate = createStartGate(() => settings('limits.parallel_starts'), runtime)
  const levels = new Map<string, LogLevel>()
  const closing = new Set<Promise<void>>()

  const blockedBy: UpstreamDeps['blockedBy'] = (server) => {
    if (!deps.consented(server)) return { status: 'needs_consent' }
    return deps.values.resolve(server).blocked ?? deps.signIns.blockedBy(server)
  }

  const make = (server: Server, shared: boolean): Upstream =>
    new Upstream(server, {
      ...deps,
      shared,
      usage,
      gate,
      blockedBy,
      secretStamp: (row) => `${deps.values.stamp(row)}\n${deps.signIns.stamp(row.id)}`,
      backoff: createBackoff(runtime),
      open: (row, channelEvents) => deps.open(row, deps.values.resolve(row).values, channelEvents),
      logLevel: () => levels.get(server.spaceId) ?? null,
    })
  const isolated = createIsolated({
    make: (server) => make(server, false),
    most: () => settings('limits.isolated'),
  })
  const firstReads = createFirstReads({ events, catalog, upstreams })
  const everyone = (): Upstream[] => [...upstreams.values(), ...isolated.list()]

  function adopt(server: Server): Upstream {
    const upstream = make(server, true)
    upstreams.set(server.id, upstream)
    firstReads.adopt(upstream)
    return upstream
  }

  function get(serverId: string): Upstream {
    const upstream = upstreams.get(serverId)
    if (!upstream) throw new GatewayError('server.unknown')
    return upstream
  }

  const of = (serverId: string, exchange: Exchange): Upstream => {
    const shared = get(serverId)
    return isolated.of(shared.server, exchange) ?? shared
  }

  const background = (work: Promise<void>) => {
    closing.add(work)
    const done = () => void closing.delete(work)
    work.then(done, done)
  }

  function refreshStale(): void {
    const before = runtime.now() - settings('timeouts.catalog_refresh')
    for (const upstream of upstreams.values()) {
      const known = catalog.get(upstream.server.id).handshake
      if (known && known.refreshedAt > before) continue
      // A server that never connected is not started behind the person's back: `add` did that, or it failed, or
      // `firstReads` does it.
      if (known) upstream.refreshSoon()
    }
  }

  for (const server of servers.list()) {
    const upstream = adopt(server)
    if (server.keepRunning) upstream.startSoon()
  }
  refreshStale()
  firstReads.begin()

  const unsubscribe = events.on('server.changed', ({ serverId }) => {
    const row = servers.list().find((server) => server.id === serverId)
    const upstream = upstreams.get(serverId)
    if (row && upstream) {
      background(upstream.reconcile(row))
      background(isolated.reconcile(row))
    } else if (row) {
      const added = adopt(row)
      if (row.keepRunning) added.startSoon()
    } else if (upstream) {
      upstreams.delete(serverId)
      firstReads.forget(serverId)
      background(upstream.end())
      background(isolated.end(serverId))
    }
  })
  const stopWatchingSignIns = events.on('authorization.changed', ({ serverId }) => {
    for (const upstream of everyone())
      if (upstream.server.id === serverId) background(upstream.authorizationChanged())
  })
  const stopWatchingVault = events.on('vault.changed', () => {
    for (const upstream of everyone()) background(upstream.reconcile(upstream.server))
  })
  const stopWatchingClients = events.on('client.revoked', ({ clientId, credentialId }) => {
    if (credentialId === null) background(isolated.leave(clientId))
  })
  let sweptAt = runtime.monotonic()
  const sweeper = setInterval(() => {
    const now = runtime.monotonic()
    const slept = now - sweptAt > SLEPT_MS
    sweptAt = now
    // What arrived while this process stood still is read first; whatever is late then is late a second from now.
    if (slept) return
    for (const upstream of everyone()) upstream.sweep(now)
  }, SWEEP_MS)
  const refresher = setInterval(refreshStale, REFRESH_CHECK_MS)

  return {
    request: (serverId, request, exchange) => of(serverId, exchange).request(request, exchange),
    async subscribe(serverId, uri, request, exchange) {
      const answer = await of(serverId, exchange).resources.subscribe(uri, request, exchange)
      const { conversation } = exchange
      if (answer.result && conversation !== null) deps.sessions.subscribe(conversation, { serverId, uri })
      return answer
    },
    unsubscribe(serverId, uri, request, exchange) {
      const { conversation } = exchange
      if (conversation !== null) deps.sessions.unsubscribe(conversation, { serverId, uri })
      return of(serverId, exchange).resources.unsubscribe(uri, request, exchange)
    },
    resume(conversation) {
      const uris = new Map<string, string[]>()
      for (const { serverId, uri } of deps.sessions.subscriptions(conversation))
        uris.set(serverId, [...(uris.get(serverId) ?? []), uri])
      for (const [serverId, wanted] of uris) {
        const upstream = isolated.ofSession(serverId, conversation) ?? upstreams.get(serverId)
        upstream?.resume(conversation, wanted)
      }
    },
    release(conversation) {
      usage.release(conversation)
      for (const upstream of upstreams.values()) upstream.release(conversation)
      background(isolated.release(conversation))
    },
    setLogLevel(spaceId, level) {
      if (level) levels.set(spaceId, level)
      else levels.delete(spaceId)
      if (!level) return
      for (const upstream of everyone()) {
        if (upstream.server.spaceId === spaceId) upstream.setLogLevel(level)
      }
    },
    states: () => new Map([...upstreams].map(([id, upstream]) => [id, stateOf(upstream, isolated.list(id))])),
    async connect(serverId, signal) {
      await get(serverId).connect(signal)
      return get(serverId).state
    },
    async restart(serverId) {
      await isolated.end(serverId)
      await get(serverId).restart()
    },
    async stop(serverId) {
      firstReads.forget(serverId)
      await Promise.all([get(serverId).stop(), isolated.end(serverId)])
    },
    absences: (spaceId) =>
      [...upstreams.values()]
        .filter((upstream) => upstream.server.spaceId === spaceId && upstream.server.enabled)
        .flatMap(({ server, state }) => {
          const reason = absenceReason(state)
          return reason ? [{ alias: server.alias || server.name, reason }] : []
        }),
    async [Symbol.asyncDispose]() {
      clearInterval(sweeper)
      clearInterval(refresher)
      firstReads[Symbol.dispose]()
      unsubscribe()
      stopWatchingSignIns()
      stopWatchingVault()
      stopWatchingClients()
      await Promise.allSettled([...everyone().map((upstream) => upstream.end()), ...closing])
    },
  }
}

/** A server nobody shares is in use when one of its own is. */
const stateOf = (shared: Upstream, own: readonly Upstream[]): UpstreamState =>
  shared.state.status === 'idle'
    ? (own.find(({ state }) => state.status === 'ready')?.state ?? shared.state)
    : shared.state

/** Why a server's part of a list may be missing or old; idle servers are neither. */
function absenceReason(state: UpstreamState): string | null {
  switch (state.status) {
    case 'ready':
    case 'idle':
    case 'disabled':
      return null
    case 'failed':
      return `failed (${state.code})`
    default:
      return state.status
  }
}
