import type { CalledWords } from '../domain/called'
import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { missingWords } from '../domain/missing-values'
import { GatewayError } from '../errors'

/** What a caller is told while a server in this state cannot be started, and what to do; null when it can. */
export function startRefusal(state: UpstreamState | null, called: CalledWords): GatewayError | null {
  switch (state?.status) {
    case 'disabled':
      return new GatewayError('upstream.disabled', `"mcpmux enable ${called.words}" switches it on`)
    case 'needs_consent':
      return new GatewayError('upstream.needs_consent', `"mcpmux consent ${called.words}" shows it, and asks`)
    case 'needs_input':
      return new GatewayError('upstream.needs_input', missingWords(state.missing, called))
    case 'locked':
      return new GatewayError('vault.locked', 'see "mcpmux vault status"')
    // One that blocks is one that trying again does not mend.
    case 'failed':
      return new GatewayError(state.code)
    default:
      return null
  }
}

/** Whether a change of its row leaves alone what runs; names do. */
export const runsTheSame = (before: Server, after: Server): boolean => whatRuns(before) === whatRuns(after)

const whatRuns = ({ definition, inputs, enabled, source, era }: Server): string =>
  JSON.stringify([definition, inputs, enabled, source, era])
