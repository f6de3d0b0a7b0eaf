import type { Exchange, LogLevel } from '../domain/exchange'
import type { Edit, Envelope, Span } from '../wire/envelope'

/** A client's request on its way up: the original message and what must change in it. */
export interface UpstreamRequest {
  /** The client's message as it came; the id and, where asked for, the progress token are replaced by the connection. */
  message: Envelope
  /** Replacements for names, URIs and cursors, in ascending order and not overlapping. */
  edits: readonly Edit[]
  /** `params._meta.progressToken` when the client sent one. */
  progressToken: Span | null
}

/**
 * The live side of all servers, as the router sees it. Requests start a server that is idle, wait for it within the
 * time-outs, and are never sent twice. Rejections are GatewayErrors.
 */
export interface Upstreams {
  /** Resolves with the server's response message (result or error); its id is the connection's own, to be replaced. */
  request(serverId: string, request: UpstreamRequest, exchange: Exchange): Promise<Envelope>
  /** Subscribes a conversation to a resource; the connection counts subscribers per URI and resubscribes on restart. */
  subscribe(serverId: string, uri: string, request: UpstreamRequest, exchange: Exchange): Promise<Envelope>
  /** Resolves with null, the server not asked, while other conversations still listen. */
  unsubscribe(
    serverId: string,
    uri: string,
    request: UpstreamRequest,
    exchange: Exchange,
  ): Promise<Envelope | null>
  /** Lets go of what a conversation that ended or went to rest holds: subscriptions, in-use marks. */
  release(conversation: string): void
  /** A conversation is back from its rest: subscribes it again, and tells it to read again what it listens to. */
  resume(conversation: string): void
  /** The lowest log level any session of the Space now wants; told to its servers that have logging, now and later. */
  setLogLevel(spaceId: string, level: LogLevel | null): void
}

/** Why a server's features may be missing or stale, for `_meta` of lists and `status`. */
export interface Absence {
  /** The server's alias, its name when it has none. */
  alias: string
  reason: string
}

/** Traffic that starts at a server outside any call. The session side implements it. */
export interface Downstream {
  /** `notifications/resources/updated` for a URI some conversations subscribed to; the message carries the upstream's URI. */
  resourceUpdated(serverId: string, uri: string, conversations: readonly string[], message: Envelope): void
  /** `notifications/message` that belongs to one conversation. */
  log(serverId: string, conversation: string, message: Envelope): void
  /** `notifications/tasks/status` (2025-11-25) or `notifications/tasks` (2026-07-28), with the server's own id. */
  taskChanged(serverId: string, message: Envelope): void
  /** Other server notifications (vendor, elicitation/complete) that belong to one conversation. */
  forward(serverId: string, conversation: string, message: Envelope): void
}
