import { type SignInNeed, signInReasons } from '../domain/authorization'
import { missingWords } from '../domain/missing-values'
import type { UpstreamState } from '../domain/upstream-state'

/** Why a server cannot be used now and what to do, or null when nothing is missing. `called`: its name for commands. */
export function missing(called: string, state: UpstreamState, need: SignInNeed | null): string | null {
  if (need !== null) return `sign-in needed: mcpmux login ${called} (${signInReasons[need]})`
  switch (state.status) {
    case 'disabled':
      return `disabled; "mcpmux enable ${called}" switches it on`
    case 'needs_consent':
      return `what it would run is not approved; see "mcpmux consent ${called}"`
    case 'needs_input':
      return `needs ${missingWords(state.missing, called)}`
    case 'locked':
      return 'its secrets are locked; see "mcpmux vault status"'
    case 'failed':
      return `${state.message} (${state.code})`
    default:
      return null
  }
}
