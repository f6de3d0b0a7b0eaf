import type { CalledWords } from '../domain/called'
import type { UpstreamState } from '../domain/upstream-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Backoff } from './backoff'
import { NotLetInError, SignInNeededError } from '../transport/authorization'
import { ServerLostError } from '../transport/stdio-channel'

/** What went wrong last with one server, and when it may be started again. */
export interface Failures {
  record(error: GatewayError): void
  /** The server is connected. */
  recovered(): void
  /** A person said "try again", or the definition changed. */
  forget(): void
  /** What a person is told; null when nothing is wrong. */
  state(): UpstreamState | null
  /** Milliseconds until the next start; 0 when it may start at once. The system's clock may be set meanwhile. */
  wait(): number
  /** What a caller is told that comes before that. */
  refusal(called: CalledWords): GatewayError
}

/** Where it is known how a server was lost, that it was says nothing more. */
const whatHappened = (error: GatewayError): string =>
  (error.code === 'upstream.lost' && error.detail) || error.message

export function createFailures(runtime: Pick<Runtime, 'now' | 'monotonic'>, backoff: Backoff): Failures {
  let last: { error: GatewayError; message: string; retryAt: number; notBefore: number } | null = null
  return {
    record(error) {
      const notBefore = backoff.failed()
      const lastWords = error instanceof ServerLostError && error.lastWords
      const what = whatHappened(error)
      last = {
        error,
        message: lastWords ? `${what}; its last words: ${lastWords}` : what,
        retryAt: Math.round(runtime.now() + notBefore - runtime.monotonic()),
        notBefore,
      }
    },
    recovered() {
      last = null
      backoff.ready()
    },
    forget() {
      last = null
      backoff.reset()
    },
    state() {
      if (!last) return null
      const { error, message, retryAt } = last
      if (error instanceof SignInNeededError) return { status: 'needs_authorization', need: error.need }
      return {
        ...{ status: 'failed', code: error.code, message },
        // It is started again by a person, or by the next call.
        retryAt: error instanceof NotLetInError ? null : retryAt,
      }
    },
    wait: () => (last ? Math.max(0, last.notBefore - runtime.monotonic()) : 0),
    refusal({ words }) {
      if (last?.error instanceof NotLetInError) return last.error
      const code = backoff.isOpen() ? 'upstream.crash_loop' : 'upstream.unavailable'
      const what = last ? whatHappened(last.error) : ''
      return new GatewayError(code, `${what}; \`mcpmux restart ${words}\` tries again at once`)
    },
  }
}
