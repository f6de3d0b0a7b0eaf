import { nowhere } from '../domain/space'
import type { ReadSetting } from '../domain/settings'
import { GatewayError, toGatewayError } from '../errors'
import type { SpaceQuestions } from '../session/space-questions'

/** A list is answered empty after this time: clients that start up wait no longer, and are told when there is more. */
const LIST_MS = 10_000

/** What waits in front of the way of a request whose client is asked for its Space. */
export interface SpaceWait {
  /** The person is asked by now; nothing waits. */
  announce(clientId: string): void
  /**
   * Null when the client has its Space. Else the wait for it, that ends early when the signal does: a call is refused
   * with `client.no_space` when there is none in the end, a list goes on without.
   */
  of(clientId: string, method: string | null): ((signal: AbortSignal) => Promise<void>) | null
}

export function createSpaceWait(deps: {
  spaceOf: (clientId: string) => string
  questions: Pick<SpaceQuestions, 'put' | 'settled'>
  settings: ReadSetting
}): SpaceWait {
  const { spaceOf, questions } = deps
  return {
    announce(clientId) {
      if (spaceOf(clientId) === nowhere) questions.put(clientId)
    },
    of(clientId, method) {
      if (spaceOf(clientId) !== nowhere) return null
      if (method === null || !method.endsWith('/list'))
        return (signal) => questions.settled(clientId, deps.settings('timeouts.answer'), signal)
      return (signal) =>
        questions.settled(clientId, LIST_MS, signal).catch((thrown: unknown) => {
          const error = toGatewayError(thrown)
          if (error.code !== 'client.no_space')
            throw new GatewayError('rpc.cancelled', undefined, { cause: thrown })
        })
    },
  }
}
