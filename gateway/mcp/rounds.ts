import { GatewayError } from '../errors'
import type { RequestStates, StateBinding } from '../router/request-state'
import type { Runtime } from '../runtime'
import type { Pulse } from '../session/pulse'
import type { ModernCall } from './modern-call'

/** Calls of one client that wait for it; a client that never comes back must not fill the memory. */
const MOST_PER_CLIENT = 256

interface Waiting {
  call: ModernCall
  /** Monotonic milliseconds. */
  until: number
}

/** Calls between two of their rounds: their client was asked something and is to come back with the answer. */
export interface Rounds {
  /** Gives the `requestState` the call is found again with. */
  park(call: ModernCall, binding: StateBinding): Promise<string>
  /** The call that waits under this name, once; null when it is none of this client's. */
  take(id: string, clientId: string): ModernCall | null
  drop(call: ModernCall): void
  close(): void
}

export function createRounds(deps: {
  states: RequestStates
  /** Milliseconds a client may take. */
  patience: () => number
  runtime: Pick<Runtime, 'monotonic' | 'randomBytes'>
  pulse: Pulse
}): Rounds {
  const { states, runtime } = deps
  const waiting = new Map<string, Waiting>()
  const gone = () => new GatewayError('rpc.cancelled', 'its client did not come back')

  const stopBeating = deps.pulse.onBeat(() => {
    const now = runtime.monotonic()
    for (const [id, { call, until }] of waiting) {
      if (until > now) continue
      waiting.delete(id)
      call.cancel(gone())
    }
  })

  function makeRoom(clientId: string): void {
    const own = [...waiting].filter(([, { call }]) => call.identity.clientId === clientId)
    const [oldest] = own
    if (own.length < MOST_PER_CLIENT || !oldest) return
    waiting.delete(oldest[0])
    oldest[1].call.cancel(gone())
  }

  return {
    async park(call, binding) {
      makeRoom(call.identity.clientId)
      const id = Buffer.from(runtime.randomBytes(16)).toString('base64url')
      waiting.set(id, { call, until: runtime.monotonic() + deps.patience() })
      return states.seal({ kind: 'call', id }, binding)
    },
    take(id, clientId) {
      const found = waiting.get(id)
      if (found?.call.identity.clientId !== clientId) return null
      waiting.delete(id)
      return found.call
    },
    drop(call) {
      for (const [id, one] of waiting) if (one.call === call) waiting.delete(id)
    },
    close() {
      stopBeating()
      waiting.clear()
    },
  }
}
