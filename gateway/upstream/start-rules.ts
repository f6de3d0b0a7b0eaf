import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { GatewayError } from '../errors'

const errors = {
  disabled: 'upstream.disabled',
  needs_consent: 'upstream.needs_consent',
  needs_input: 'upstream.needs_input',
  locked: 'vault.locked',
  needs_authorization: 'upstream.unauthorized',
} as const

/** What a caller is told while a server in this state cannot be started; null when it can. */
export function startRefusal(state: UpstreamState | null): GatewayError | null {
  // A failed state that blocks is one that trying again does not mend.
  if (state?.status === 'failed') return new GatewayError(state.code)
  if (state?.status === 'needs_input') return new GatewayError(errors.needs_input, state.missing.join(', '))
  const code = state && state.status in errors ? errors[state.status as keyof typeof errors] : null
  return code && new GatewayError(code)
}

/** Whether a change of its row leaves alone what runs; names do. */
export const runsTheSame = (before: Server, after: Server): boolean => whatRuns(before) === whatRuns(after)

const whatRuns = ({ definition, inputs, enabled, source, era }: Server): string =>
  JSON.stringify([definition, inputs, enabled, source, era])
