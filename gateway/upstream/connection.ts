import type { Era, Exchange, LogLevel } from '../domain/exchange'
import type { Feature, Handshake } from '../domain/feature'
import type { ReadSetting } from '../domain/settings'
import type { GatewayError } from '../errors'
import type { UpstreamRequest } from '../router/ports'
import type { Runtime } from '../runtime'
import type { Channel, ChannelEvents } from '../transport/channel'
import type { Envelope } from '../wire/envelope'
import type { InboundEvents } from './inbound'

/** One connection to one server, of either era: ids, time-outs, progress, cancellation. */
export interface Connection {
  readonly era: Era
  readonly handshake: Handshake
  /** Why the leg is gone, `error` being null when `close` was called; null while it is open. */
  readonly ended: { error: GatewayError | null } | null
  /** Sends a client's request and resolves with the server's answer, whose id is still the connection's own. */
  request(request: UpstreamRequest, exchange: Exchange): Promise<Envelope>
  /** A request of the gateway's own; resolves with the raw result, rejects on a JSON-RPC error. */
  ask(method: string, params: object, timeout: number, signal?: AbortSignal): Promise<Uint8Array>
  setLogLevel(level: LogLevel): Promise<void>
  hasCapability(name: string): boolean
  /** Why a feature the server lists cannot be offered; null for one that can. */
  refusal(feature: Feature): string | null
  /** The stored catalog changed. */
  catalogChanged(): void
  /** Fails calls that are over their time; the pool calls it every second. */
  sweep(now: number): void
  /** Calls still open fail with `upstream.lost` and this reason. */
  close(reason: string): Promise<void>
}

export interface ConnectionOptions {
  open(events: ChannelEvents): Promise<Channel>
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep' | 'random'>
  inbound: InboundEvents
  /** Whether several clients share the server, so that it cannot ask for itself without being asked whom. */
  shared: boolean
  /** A call gives its place to others while its client is asked something (-1), and takes it again (1). */
  onPlace(by: 1 | -1): void
  log: ChannelEvents['onLog']
  /** Takes secrets out of a server's words before they become part of an error. */
  redact(text: string): string
  /** The server's tools as last known. */
  tools(): readonly Feature[]
  /** Something of this opening ends in the background; the next one waits for it. */
  leaving(work: Promise<void>): void
  /** The leg is gone; `null` when `close` was called. Every pending call has failed by then. */
  onClose(error: GatewayError | null): void
  /** Gives the opening up; its reason is a GatewayError. */
  signal: AbortSignal
}

/** Whether the raw JSON object of a server's capabilities has this member. */
export const hasMember = (json: string, name: string): boolean => name in (JSON.parse(json) as object)
