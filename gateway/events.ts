import type { FlowPhase } from './domain/authorization'
import type { UpstreamState } from './domain/upstream-state'
import type { VaultState } from './domain/vault-state'

/** What parts tell each other after a change is stored. Payloads name things; readers look the rest up. */
export interface Events {
  /** A server row was added, edited, enabled, disabled or removed. */
  'server.changed': { spaceId: string; serverId: string }
  /** Stored features or handshake of a server changed. `kinds` says which lists a client may want again. */
  'catalog.changed': {
    spaceId: string
    serverId: string
    kinds: readonly ('tools' | 'prompts' | 'resources')[]
  }
  'upstream.state': { spaceId: string; serverId: string; state: UpstreamState }
  /** Spaces, Feature Sets, grants, client pins or the active Space changed: views are stale. */
  'policy.changed': { spaceId: string | null; clientId: string | null }
  'space.changed': { spaceId: string }
  /** A client waits to be told its Space. */
  'space.asked': { clientId: string }
  /** All credentials of a client stopped counting (null), or one key or sign-in: its sessions and streams end. */
  'client.revoked': { clientId: string; credentialId: string | null }
  /** A key was replaced by a new one or ran out: sessions go on, the streams opened with the old key end. */
  'key.ended': { clientId: string; credentialId: string }
  'client.changed': { clientId: string }
  /** Who waits for a person's approval changed; so many do now. */
  'approvals.changed': { waiting: number }
  /** A sign-in of ours at a server's issuer began, or is in another phase. */
  'flow.changed': { flowId: string; serverId: string; spaceId: string; phase: FlowPhase }
  /** A person signed in at a server or out, or is needed for that, or not any more. */
  'authorization.changed': { spaceId: string; serverId: string }
  'settings.changed': { key: string }
  'vault.changed': { state: VaultState }
  /** Keys that clients hold something of are others now: no session, token or state made before counts. */
  'keys.renewed': { why: 'asked' }
}

export type EventName = keyof Events

/** Typed in-process publish and subscribe. A listener that throws does not stop the others. */
export interface EventBus {
  on<N extends EventName>(name: N, listener: (event: Events[N]) => void): () => void
  onAny(listener: (name: EventName, event: Events[EventName]) => void): () => void
  emit<N extends EventName>(name: N, event: Events[N]): void
}

export function createEvents(onError: (error: unknown) => void): EventBus {
  const any = new Set<(name: EventName, event: Events[EventName]) => void>()
  const onAny: EventBus['onAny'] = (listener) => {
    any.add(listener)
    return () => any.delete(listener)
  }
  return {
    onAny,
    on: (name, listener) =>
      onAny((emitted, event) => {
        if (emitted === name) listener(event as Events[typeof name])
      }),
    emit(name, event) {
      for (const listener of [...any]) {
        try {
          listener(name, event)
        } catch (error) {
          onError(error)
        }
      }
    },
  }
}
