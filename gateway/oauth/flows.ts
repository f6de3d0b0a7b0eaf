// Sign-ins of a person at the authorization servers of upstreams, from the first question to the tokens.
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import { type BeginDeps, createBegin } from './begin'
import { signInUrl } from './sign-in-address'
import { createReceive, type FinishDeps } from './finish'
import type { FlowView } from './flow-view'
import { coversUrl } from './resource-metadata'

export interface Flows {
  /**
   * Begins a sign-in. A server has one that waits: it is given again, unless more is wanted than it asks for. Throws
   * `server.unknown`, `upstream.needs_consent`, `oauth.*`, `net.*`, and what the vault says.
   */
  begin(serverId: string, options?: { scope?: string }): Promise<FlowView>
  /** Throws `oauth.flow_unknown` when it is over. */
  cancel(id: string): FlowView
  /** Throws `oauth.flow_unknown`. */
  get(id: string): FlowView
  /** Newest first; those of one server, or all. */
  list(serverId?: string): FlowView[]
  /**
   * Takes the whole address the browser was sent back to, and gives the flow when it is over, well or not. Throws
   * `oauth.flow_unknown` when it answers nothing that waits, and what the vault says.
   */
  finish(address: string): Promise<FlowView>
  /** As `finish`, for the callback: does not wait, never throws, tells nothing. */
  receive(address: string): void
  /**
   * The address to open in a browser now; null when it is over, or one was opened for this server within a minute: a
   * server must not be able to open them by the dozen.
   */
  browserFor(id: string): string | null
  /** To be called now and then. */
  turn(): void
  close(): void
}

export type FlowDeps = BeginDeps & FinishDeps & { events: EventBus; runtime: Pick<Runtime, 'monotonic'> }

/** Milliseconds between two browsers for one server. */
const BROWSER_PAUSE = 60_000

export function createFlows(deps: FlowDeps): Flows {
  const { rows, runtime, servers } = deps
  const begin = createBegin(deps)
  const receive = createReceive(deps)
  const turns = new Map<string, Promise<unknown>>()
  const opened = new Map<string, number>()

  const known = (id: string) => {
    const flow = rows.get(id)
    if (!flow) throw new GatewayError('oauth.flow_unknown')
    return flow
  }

  /** One at a time for each server: two would both register, and the second would end the first. */
  function inTurn<T>(serverId: string, work: () => Promise<T>): Promise<T> {
    const before = turns.get(serverId) ?? Promise.resolve()
    const turn = before.then(work, work)
    turns.set(serverId, turn)
    const over = () => {
      if (turns.get(serverId) === turn) turns.delete(serverId)
    }
    turn.then(over, over)
    return turn
  }

  const stopForgetting = deps.events.on('authorization.changed', ({ serverId }) => {
    if (deps.tokens.list(serverId).length === 0) rows.forget(serverId)
  })

  /** What waits for a server that is gone, or is somewhere else now, waits in vain. */
  const stop = deps.events.on('server.changed', ({ serverId }) => {
    const flow = rows.live(serverId)
    const server = servers.list().find(({ id }) => id === serverId)
    if (!flow || (server && fits(flow.resource, server))) return
    rows.step(flow, 'waiting', 'cancelled', new GatewayError('oauth.interrupted', 'the server was changed'))
  })

  function fits(resource: string, server: Parameters<typeof signInUrl>[0]): boolean {
    try {
      return coversUrl(resource, signInUrl(server))
    } catch {
      return false
    }
  }

  // A code is not kept, so a run that ended before its tokens came has lost it.
  for (const flow of rows.list())
    rows.step(flow, 'received', 'failed', new GatewayError('oauth.interrupted', 'McpMux ended meanwhile'))

  return {
    begin: (serverId, { scope } = {}) =>
      inTurn(serverId, async () => rows.view(await begin(serverId, scope ?? null))),
    cancel(id) {
      const flow = known(id)
      if (!rows.step(flow, 'waiting', 'cancelled') && !rows.step(flow, 'received', 'cancelled'))
        throw new GatewayError('oauth.flow_unknown', 'it is over')
      return rows.view(known(id))
    },
    get: (id) => rows.view(known(id)),
    list: (serverId) => rows.list(serverId).map(rows.view),
    async finish(address) {
      const { flow, traded } = receive(address)
      await traded
      return rows.view(known(flow.id))
    },
    receive(address) {
      try {
        void receive(address).traded
      } catch (error) {
        if (!(error instanceof GatewayError)) deps.report(error)
      }
    },
    browserFor(id) {
      const { serverId, url } = rows.view(known(id))
      const now = runtime.monotonic()
      if (url === null || now - (opened.get(serverId) ?? Number.NEGATIVE_INFINITY) < BROWSER_PAUSE)
        return null
      opened.set(serverId, now)
      return url
    },
    turn: () => rows.expire(),
    close() {
      stop()
      stopForgetting()
    },
  }
}
