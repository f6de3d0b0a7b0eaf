import { type AccessKey, keyState } from '../domain/client'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import type { KeyStore } from '../store/keys'

/** Ends what was opened with a key when the key runs out. */
export interface KeyExpiry {
  /** To be called every second; costs nothing between two expiries. */
  turn(): void
  close(): void
}

/**
 * Emits `key.ended` for each key that runs out while this runs. A request with such a key is refused by itself; what
 * needs this are streams that were opened before.
 */
export function createKeyExpiry(deps: {
  keys: Pick<KeyStore, 'list'>
  events: EventBus
  runtime: Pick<Runtime, 'now'>
  ended: (key: AccessKey) => void
}): KeyExpiry {
  const { keys, events, runtime } = deps
  /** Keys that end later than this are still to come. */
  let from = runtime.now()
  /** When the next one ends; null for never, undefined when it must be looked up. */
  let next: number | null | undefined
  const stopListening = (['client.changed', 'client.revoked', 'key.ended'] as const).map((change) =>
    events.on(change, () => {
      next = undefined
    }),
  )

  function find(): number | null {
    const times = keys
      .list()
      .filter(({ revokedAt }) => revokedAt === null)
      .map(({ expiresAt }) => expiresAt)
      .filter((at) => at !== null && at > from)
    return times.reduce((first, at) => (first === null || (at !== null && at < first) ? at : first), null)
  }

  return {
    turn() {
      const now = runtime.now()
      // A clock that was set back makes keys count again.
      if (now < from) {
        from = now
        next = undefined
      }
      next ??= next === undefined ? find() : null
      if (next === null || next > now) return
      const due = keys
        .list()
        .filter((key) => key.expiresAt !== null && key.expiresAt > from && keyState(key, now) === 'expired')
      from = now
      next = undefined
      for (const key of due) {
        events.emit('key.ended', { clientId: key.clientId, credentialId: key.id })
        deps.ended(key)
      }
    },
    close() {
      for (const stop of stopListening) stop()
    },
  }
}
