import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { GatewayError } from '../errors'

const errors = {
  disabled: 'upstream.disabled',
  needs_consent: 'upstream.needs_consent',
  needs_input: 'upstream.needs_input',
  locked: 'upstream.unavailable',
  needs_authorization: 'upstream.unauthorized',
} as const

/** What a caller is told while a server in this state cannot be started; null when it can. */
export function startRefusal(state: UpstreamState | null): GatewayError | null {
  const code = state && state.status in errors ? errors[state.status as keyof typeof errors] : null
  return code && new GatewayError(code)
}

/** Whether a change of its row leaves alone what runs; names do. */
export const runsTheSame = (before: Server, after: Server): boolean => whatRuns(before) === whatRuns(after)

const whatRuns = ({ definition, inputs, enabled, source }: Server): string =>
  JSON.stringify([definition, inputs, enabled, source])

/** The very same things in the same order. */
export const sameItems = (some: readonly unknown[], others: readonly unknown[]): boolean =>
  some.length === others.length && some.every((one, i) => one === others[i])
