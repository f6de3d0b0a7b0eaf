import type { Exchange, LogLevel } from '../domain/exchange'
import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { GatewayError, toGatewayError } from '../errors'
import type { UpstreamRequest } from '../router/ports'
import type { Envelope } from '../wire/envelope'
import { createActivity } from './activity'
import { createCatalogRefresh, type CatalogRefresh } from './catalog-refresh'
import { NotLetInError, SignInNeededError } from '../transport/authorization'
import { UndeliveredError, type ChannelEvents } from '../transport/channel'
import type { Connection } from './connection'
import { createEndings } from './endings'
import { createFailures } from './failures'
import { openConnection } from './open-connection'
import { createResourceListeners, type ResourceListeners } from './resource-listeners'
import { createSlots } from './slots'
import { runsTheSame, startRefusal } from './start-rules'
import { createStatus } from './status'
import { untilAborted } from './until-aborted'
import type { UpstreamDeps } from './upstream-deps'

/** A call waits this long for a server that failed a moment ago to be started again; else it is refused at once. */
const PATIENCE_MS = 2000

/**
 * The live side of one Server: at rest, connecting, ready or failed. Starts on first use, restarts with back-off
 * after a crash while it is in use, stops when it is not.
 */
export class Upstream {
  #server: Server
  #connection: Connection | null = null
  #refresh: CatalogRefresh | null = null
  #starting: Promise<Connection> | null = null
  #life = new AbortController()
  /** The life in which a start is due by itself. */
  #due: AbortSignal | null = null
  #over = false
  /** Requests of clients under way, also those that gave their place up while a person is asked. */
  #underWay = 0
  /** Of the secrets it was last started with. */
  #secretStamp = ''
  readonly #activity
  readonly #failures
  readonly #slots
  readonly #status
  readonly #endings = createEndings()
  readonly #deps: UpstreamDeps
  /** Who listens to its resources. */
  readonly resources: ResourceListeners

  constructor(server: Server, deps: UpstreamDeps) {
    this.#server = server
    this.#deps = deps
    this.#activity = createActivity(deps)
    this.#failures = createFailures(deps.runtime, deps.backoff)
    this.#slots = createSlots(
      () => deps.settings('limits.server_in_flight'),
      () => deps.settings('limits.server_queue'),
    )
    this.resources = createResourceListeners({
      request: (request, exchange) => this.request(request, exchange),
      connection: () => this.#connection,
      timeout: () => deps.settings('timeouts.list'),
      tell: (uri, conversations, message) =>
        deps.downstream.resourceUpdated(server.id, uri, conversations, message),
      log: (line) => this.#log('MCP', line),
    })
    this.#status = createStatus(() => this.#server, this.#failures, deps)
  }

  get state(): UpstreamState {
    return this.#status.state
  }

  get server(): Server {
    return this.#server
  }

  /** Whether it does not run, is not about to, and nobody would miss it. */
  get rests(): boolean {
    // It is still called ready while it ends.
    if (this.#connection || this.#starting || this.#status.state.status === 'ready') return false
    return !this.#server.keepRunning && !this.#inUse()
  }

  /** Sends a client's request; starts the server if it is idle. Sent again only when it surely never arrived. */
  async request(request: UpstreamRequest, exchange: Exchange): Promise<Envelope> {
    this.#activity.used(exchange.conversation)
    const place = this.#slots.acquire(exchange)
    if (place) await place
    this.#underWay += 1
    try {
      const connection = this.#connection ?? (await this.#connected(exchange.signal))
      try {
        const answer = await connection.request(request, exchange)
        if (this.#status.state.status === 'needs_authorization') this.#letIn(connection)
        return answer
      } catch (error) {
        if (error instanceof SignInNeededError) this.#notLetIn(error)
        if (!(error instanceof UndeliveredError) || error instanceof NotLetInError) throw error
        if (this.#connection === connection) await this.#drop(connection, 'it stopped taking calls')
        return await (await this.#connected(exchange.signal)).request(request, exchange)
      }
    } finally {
      this.#underWay -= 1
      this.#slots.release()
      this.#activity.used()
    }
  }

  /** A conversation is back that listened to these resources. */
  resume(conversation: string, uris: readonly string[]): void {
    this.#activity.used(conversation)
    this.resources.resume(conversation, uris)
    this.startSoon()
  }

  release(conversation: string): void {
    this.#activity.release(conversation)
    this.resources.release(conversation)
  }

  /** Starts (if need be) and reads every list; resolves when the catalog is stored. */
  async connect(signal?: AbortSignal): Promise<void> {
    const connection = await this.#connected(signal)
    await this.#read(connection)
  }

  /** A person's "try again now": forgets failures, stops what runs, starts afresh. */
  async restart(): Promise<void> {
    this.#failures.forget()
    await this.stop()
    await this.connect()
  }

  async stop(): Promise<void> {
    this.#life.abort(new GatewayError('upstream.unavailable', 'it was stopped'))
    this.#life = new AbortController()
    const starting = this.#starting
    this.#starting = null
    if (starting) void this.#endings.add(starting.catch(() => undefined))
    if (this.#connection) await this.#drop(this.#connection, this.#stopReason())
    await this.#endings.over()
    this.#restUnlessUp()
  }

  /** Stops for good: whoever still waits for it is refused. */
  end(): Promise<void> {
    this.#over = true
    return this.stop()
  }

  /** Takes a changed row; restarts nothing unless what runs would differ. */
  async reconcile(server: Server): Promise<void> {
    const before = this.#server
    this.#server = server
    if (!runsTheSame(before, server) || this.#secretStamp !== this.#deps.secretStamp(server)) {
      this.#failures.forget()
      await this.stop()
    } else this.#restUnlessUp()
    if (this.#server.keepRunning) this.startSoon()
  }

  /** A person signed in at it or out, or is needed for that: what was stopped by it is tried again at once. */
  async authorizationChanged(): Promise<void> {
    const other = this.#secretStamp !== this.#deps.secretStamp(this.#server)
    const reconciled = this.reconcile(this.#server)
    // Who signed out is not told of what takes its time to end.
    this.#restUnlessUp()
    await reconciled
    if (!other && this.#status.state.status !== 'needs_authorization') return
    this.#failures.forget()
    this.#restUnlessUp()
    this.startSoon()
  }

  /** Starts in the background, if nothing blocks it: at once, or when its back-off is over. */
  startSoon(): void {
    const life = this.#life.signal
    if (this.#connection || this.#starting || this.#over || this.#due === life || this.#status.held()) return
    this.#due = life
    this.#deps.runtime
      .sleep(this.#failures.wait(), life)
      .then(() => {
        this.#due = null
        return this.connect()
      })
      .catch(() => undefined)
  }

  /** Reads its lists again in the background; starts it for that. */
  refreshSoon(): void {
    if (this.#connection) this.#read(this.#connection).catch(() => this.#log('Feature', unread))
    else this.startSoon()
  }

  setLogLevel(level: LogLevel): void {
    const connection = this.#connection
    if (!connection?.hasCapability('logging')) return
    connection.setLogLevel(level).catch(() => this.#log('MCP', 'logging/setLevel was not answered'))
  }

  /** Called every second: calls over their time, and the stop of what nobody uses. */
  sweep(now: number): void {
    this.#connection?.sweep(now)
    if (!this.#connection || this.#server.keepRunning) return
    if (!this.#activity.isIdle(now) || this.#inUse()) return
    this.stop().catch(() => undefined)
  }

  #restUnlessUp(): void {
    if (!this.#connection && !this.#starting) this.#status.rest()
  }

  #inUse(): boolean {
    return this.#underWay > 0 || this.resources.size > 0 || this.#activity.active().length > 0
  }

  #stopReason(): string {
    if (this.#over) return 'it was removed, or the gateway is stopping'
    return this.#server.enabled ? 'it was stopped' : 'it was disabled'
  }

  #log(source: Parameters<ChannelEvents['onLog']>[0], line: string): void {
    this.#deps.log(this.#server, source, line)
  }

  async #connected(signal?: AbortSignal): Promise<Connection> {
    if (signal?.aborted) throw new GatewayError('rpc.cancelled')
    if (this.#connection) return this.#connection
    this.#starting ??= this.#begin()
    return signal ? untilAborted(this.#starting, signal) : this.#starting
  }

  /** Throws what forbids a start now. */
  #begin(): Promise<Connection> {
    if (this.#over)
      throw new GatewayError('upstream.unavailable', 'it was removed, or the gateway is stopping')
    const blocked = this.#status.blocked()
    const refusal = startRefusal(blocked, this.#deps.called(this.#server))
    if (blocked && refusal) {
      this.#status.enter(blocked)
      throw refusal
    }
    const wait = this.#failures.wait()
    if (wait > PATIENCE_MS) throw this.#failures.refusal(this.#deps.called(this.#server))
    const starting = this.#start(wait).finally(() => {
      if (this.#starting === starting) this.#starting = null
    })
    // Everybody who waits for it may have left by the time it fails.
    starting.catch(() => undefined)
    return starting
  }

  async #start(wait: number): Promise<Connection> {
    const { runtime, gate } = this.#deps
    const life = this.#life.signal
    try {
      if (wait > 0) await runtime.sleep(wait, life)
      await this.#endings.over()
      if (life.aborted) throw toGatewayError(life.reason)
      this.#status.enter({ status: 'connecting', since: runtime.now() })
      let connection: Connection | null = null
      const opened = await gate.run(
        () => this.#open(life, (error) => connection && this.#lost(connection, error)),
        life,
      )
      connection = opened
      if (life.aborted || opened.ended) {
        await opened.close(this.#stopReason())
        throw life.aborted
          ? toGatewayError(life.reason)
          : (opened.ended?.error ?? new GatewayError('upstream.lost'))
      }
      this.#ready(opened, life)
      return opened
    } catch (thrown) {
      const error = toGatewayError(thrown)
      if (!life.aborted) this.#failed(error)
      throw error
    }
  }

  #open(life: AbortSignal, onClose: (error: GatewayError | null) => void): Promise<Connection> {
    // What forbids it may have come while it waited for its place.
    const refusal = startRefusal(this.#status.blocked(), this.#deps.called(this.#server))
    if (refusal) return Promise.reject(refusal)
    const server = this.#server
    this.#secretStamp = this.#deps.secretStamp(server)
    return openConnection(server, life, this.#deps, {
      slots: this.#slots,
      resources: this.resources,
      refresh: () => this.#refresh,
      active: this.#activity.active,
      onClose,
      leaving: (work) => void this.#endings.add(work),
    })
  }

  #enterReady({ handshake: { protocolVersion } }: Connection): void {
    if (this.#status.state.status === 'ready') return
    this.#status.enter({ status: 'ready', since: this.#deps.runtime.now(), protocolVersion })
  }

  /** The connection stays: other calls may be under way on it, and it is good again once a person signed in. */
  #notLetIn({ need }: SignInNeededError): void {
    // What lacks rights lacks them for some calls.
    if (this.#connection && need !== 'scope') this.#status.enter({ status: 'needs_authorization', need })
  }

  #letIn(connection: Connection): void {
    this.#deps.signIns.letIn(this.#server)
    this.#enterReady(connection)
  }

  /**
   * Reads every list; it is ready then, also where they could not be read: whoever waits for that lists next. There are
   * servers that let everybody in and ask for a sign-in only here.
   */
  async #read(connection: Connection): Promise<void> {
    const isOurs = () => this.#connection === connection && connection.ended === null
    try {
      await this.#refresh?.all()
      if (isOurs()) this.#letIn(connection)
    } catch (error) {
      if (isOurs() && error instanceof SignInNeededError) this.#notLetIn(error)
      else if (isOurs() && this.#status.state.status === 'connecting') this.#enterReady(connection)
      throw error
    }
  }

  #ready(connection: Connection, life: AbortSignal): void {
    this.#connection = connection
    this.#failures.recovered()
    this.#activity.used()
    this.#refresh = createCatalogRefresh({
      ...this.#deps,
      spaceId: this.#server.spaceId,
      serverId: this.#server.id,
      connection,
      log: (source, line) => this.#log(source, line),
      signal: life,
    })
    if (this.#deps.shared) this.#read(connection).catch(() => this.#log('Feature', unread))
    else this.#enterReady(connection)
    const level = this.#deps.logLevel()
    if (level) this.setLogLevel(level)
    this.resources.renew(connection)
  }

  /** The leg went away by itself. */
  #lost(connection: Connection, error: GatewayError | null): void {
    if (this.#connection !== connection) return
    this.#connection = null
    this.#refresh = null
    if (error) this.#failed(error)
  }

  #failed(error: GatewayError): void {
    if (this.#status.blocked()) return this.#status.rest()
    this.#failures.record(error)
    this.#status.rest()
    if (error instanceof NotLetInError) return
    // The start that failed is over, but still known as under way.
    this.#starting = null
    if (this.#server.keepRunning || this.#inUse()) this.startSoon()
  }

  /** Closes a connection of ours; calls still open on it fail. */
  #drop(connection: Connection, reason: string): Promise<void> {
    if (this.#connection === connection) {
      this.#connection = null
      this.#refresh = null
    }
    return this.#endings.add(connection.close(reason))
  }
}

const unread = 'the lists could not be read, the last known entries stay'
