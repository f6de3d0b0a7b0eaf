import type { Secret } from './secret'

/** Secrets of servers, held in memory only and gone with the process. */
export interface HeldSecrets {
  set(serverId: string, inputId: string, value: Secret): void
  get(serverId: string, inputId: string): Secret | null
  /** All secrets of a server. */
  forget(serverId: string): void
  /** Secrets held over all servers. */
  count(): number
}

export function createHeldSecrets(): HeldSecrets {
  const held = new Map<string, Map<string, Secret>>()
  return {
    set(serverId, inputId, value) {
      const own = held.get(serverId) ?? new Map<string, Secret>()
      held.set(serverId, own.set(inputId, value))
    },
    get: (serverId, inputId) => held.get(serverId)?.get(inputId) ?? null,
    forget: (serverId) => {
      held.delete(serverId)
    },
    count: () => held.values().reduce((sum, own) => sum + own.size, 0),
  }
}
