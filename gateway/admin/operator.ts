import type { UpstreamState } from '../domain/upstream-state'

/**
 * The live servers, as the admin API may reach them. Every way that ends in a process goes through the same
 * check of the stored consent as a client's call; nothing here takes a definition.
 */
export interface Operator {
  /** By server id. A server that was never touched may be missing. */
  states(): ReadonlyMap<string, UpstreamState>
  /**
   * Starts the server if it may start, reads its lists once, and resolves with the state it ended in. Rejects when it
   * was stopped or removed meanwhile.
   */
  connect(serverId: string, signal: AbortSignal): Promise<UpstreamState>
  restart(serverId: string): Promise<void>
  stop(serverId: string): Promise<void>
  /** One tool call through the router with an operator's view. Resolves with the server's complete JSON-RPC response. */
  call(
    spaceId: string,
    serverId: string,
    tool: string,
    argumentsJson: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array>
}
