import { GatewayError, toGatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'

/** A client waits for the person to say in which Space it works. */
export interface SpaceQuestion {
  clientId: string
  /** Epoch milliseconds of its first request without an answer. */
  since: number
}

/**
 * The Spaces of clients that are asked for one. An answer holds while the client comes back within `timeouts.in_use`,
 * and as long as this run of the gateway: what it was for is over then.
 */
export interface SpaceQuestions {
  /** The Space chosen for a client, null when there is none; asking keeps the choice alive. */
  chosen(clientId: string): string | null
  /** Puts the question to the person, unless it is open or was refused a moment ago. */
  put(clientId: string): void
  /** Resolves when a Space was chosen. Rejects with `client.no_space` when it was refused, or after `most` milliseconds. */
  settled(clientId: string, most: number, signal: AbortSignal): Promise<void>
  open(): SpaceQuestion[]
  /** What waits goes on. Throws `client.not_asking`. */
  choose(clientId: string, spaceId: string): void
  /** What waits is refused, and what comes in the next minutes. Throws `client.not_asking`. */
  refuse(clientId: string): void
}

type State =
  | { kind: 'open'; since: number; waiting: Set<PromiseWithResolvers<void>> }
  | { kind: 'chosen'; spaceId: string; usedAt: number }
  | { kind: 'refused'; until: number }

/** A client that was refused and tries again at once must not ask at once. */
const REFUSED_MS = 5 * 60_000

export function createSpaceQuestions(deps: {
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>
  events: EventBus
  /** Whether a client is asked at all. */
  asks: (clientId: string) => boolean
  /** Whether a Space is still there. */
  exists: (spaceId: string) => boolean
  /** Milliseconds after which a client that did not come back is asked anew. */
  lifetime: () => number
}): SpaceQuestions {
  const { runtime, events } = deps
  const states = new Map<string, State>()

  const current = (clientId: string): State | null => {
    const state = states.get(clientId)
    if (!state) return null
    const now = runtime.monotonic()
    const over =
      state.kind === 'chosen'
        ? now - state.usedAt > deps.lifetime() || !deps.exists(state.spaceId)
        : state.kind === 'refused' && state.until <= now
    if (!over) return state
    states.delete(clientId)
    return null
  }

  const answer = (clientId: string, next: State, tell: (waiting: PromiseWithResolvers<void>) => void) => {
    const before = current(clientId)
    if (!before) throw new GatewayError('client.not_asking')
    states.set(clientId, next)
    // Views first: what goes on must find the Space it was given.
    events.emit('client.changed', { clientId })
    events.emit('policy.changed', { spaceId: null, clientId })
    if (before.kind === 'open') for (const waiting of before.waiting) tell(waiting)
  }

  const refused = () =>
    new GatewayError('client.no_space', 'the person at this machine refused; ask them, or wait some minutes')

  const forget = (clientId: string) => {
    const state = states.get(clientId)
    states.delete(clientId)
    if (state?.kind === 'open') for (const waiting of state.waiting) waiting.reject(refused())
  }
  events.on('client.revoked', ({ clientId, credentialId }) => {
    if (credentialId === null) forget(clientId)
  })

  // Pinned, or to follow from now on: there is nothing left to ask.
  events.on('client.changed', ({ clientId }) => {
    const state = states.get(clientId)
    if (!state || deps.asks(clientId)) return
    states.delete(clientId)
    if (state.kind === 'open') for (const waiting of state.waiting) waiting.resolve()
  })

  const put: SpaceQuestions['put'] = (clientId) => {
    if (current(clientId)) return
    states.set(clientId, { kind: 'open', since: runtime.now(), waiting: new Set() })
    events.emit('space.asked', { clientId })
  }

  return {
    chosen(clientId) {
      const state = current(clientId)
      if (state?.kind !== 'chosen') return null
      state.usedAt = runtime.monotonic()
      return state.spaceId
    },
    put,
    async settled(clientId, most, signal) {
      put(clientId)
      const state = current(clientId)
      if (state?.kind === 'refused') throw refused()
      if (state?.kind !== 'open') return
      const waiting = Promise.withResolvers<void>()
      const over = new AbortController()
      const onAbort = () => waiting.reject(toGatewayError(signal.reason))
      signal.addEventListener('abort', onAbort, { once: true })
      state.waiting.add(waiting)
      runtime.sleep(most, over.signal).then(
        () => waiting.reject(new GatewayError('client.no_space', 'nobody answered yet; see mcpmux status')),
        () => undefined,
      )
      try {
        if (signal.aborted) onAbort()
        await waiting.promise
      } finally {
        over.abort()
        signal.removeEventListener('abort', onAbort)
        state.waiting.delete(waiting)
      }
    },
    open: () =>
      [...states].flatMap(([clientId, state]) =>
        state.kind === 'open' ? [{ clientId, since: state.since }] : [],
      ),
    choose(clientId, spaceId) {
      const chosen: State = { kind: 'chosen', spaceId, usedAt: runtime.monotonic() }
      answer(clientId, chosen, (waiting) => waiting.resolve())
    },
    refuse(clientId) {
      const until = runtime.monotonic() + REFUSED_MS
      answer(clientId, { kind: 'refused', until }, (waiting) => waiting.reject(refused()))
    },
  }
}
