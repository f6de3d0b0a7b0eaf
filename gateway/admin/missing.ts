import { type SignInNeed, signInReasons } from '../domain/authorization'
import type { CalledWords } from '../domain/called'
import { missingWords } from '../domain/missing-values'
import type { UpstreamState } from '../domain/upstream-state'

/**
 * Why a server cannot be used now, or not for all it offers, and what to do; null when nothing is missing. What has to be
 * done first is said first.
 */
export function missing(called: CalledWords, state: UpstreamState, need: SignInNeed | null): string | null {
  const signIn =
    need === null ? null : `sign-in needed: mcpmux login ${called.words} (${signInReasons[need]})`
  switch (state.status) {
    case 'disabled':
      return `disabled; "mcpmux enable ${called.words}" switches it on`
    case 'needs_consent':
      return `what it would run is not approved; see "mcpmux consent ${called.words}"`
    case 'needs_input':
      return `needs ${missingWords(state.missing, called)}`
    case 'locked':
      return 'its secrets are locked; see "mcpmux vault status"'
    case 'failed':
      return signIn ?? `${state.message} (${state.code})`
    default:
      return signIn
  }
}
