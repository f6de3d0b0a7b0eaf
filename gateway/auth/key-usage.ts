import type { Identity } from '../domain/client'
import type { Runtime } from '../runtime'
import type { ClientStore } from '../store/clients'

const FLUSH_MS = 30_000

/** Remembers when credentials were last used and writes it down now and then, so that a call costs no write. */
export interface KeyUsage {
  /** `at` in epoch milliseconds. */
  used(identity: Identity, at: number): void
  /** Writes what is left and stops. */
  close(): void
}

export function createKeyUsage(deps: {
  /** Notes the use of one credential; one that is not there any more is none of its business. */
  touch(credentialId: string, at: number): void
  clients: Pick<ClientStore, 'update'>
  runtime: Pick<Runtime, 'sleep'>
  report: (error: unknown) => void
}): KeyUsage {
  const waiting = new Map<string, { identity: Identity; at: number }>()
  const stop = new AbortController()
  let armed = false

  const flush = (): void => {
    for (const { identity, at } of waiting.values()) {
      try {
        deps.touch(identity.credentialId, at)
        deps.clients.update(identity.clientId, { lastSeenAt: at })
      } catch (error) {
        // The key or its client may have gone since; that must not keep the others from being written.
        deps.report(error)
      }
    }
    waiting.clear()
  }

  const arm = (): void => {
    armed = true
    deps.runtime.sleep(FLUSH_MS, stop.signal).then(
      () => {
        armed = false
        flush()
      },
      () => {
        armed = false
      },
    )
  }

  return {
    used(identity, at) {
      const known = waiting.get(identity.credentialId)
      if (known) known.at = at
      else waiting.set(identity.credentialId, { identity, at })
      if (!armed && !stop.signal.aborted) arm()
    },
    close() {
      stop.abort()
      flush()
    },
  }
}
