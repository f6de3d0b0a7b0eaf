import type { SignInNeed } from '../domain/authorization'
import type { Secret } from '../secrets/secret'
import { UndeliveredError } from './channel'

/** A server's refusal of one request: 401, or 403 with `insufficient_scope` (RFC 6750, section 3). */
export interface Refusal {
  status: 401 | 403
  /** `WWW-Authenticate` as it came; null without one. */
  challenge: string | null
  /** The token the request went with; null when it went without. */
  sent: Secret | null
  /** Where the request went. */
  url: URL
  /** The request had been sent a second time already, with a token that was new. */
  again: boolean
}

/** Only a person can help. */
export interface Needed {
  need: SignInNeed
}

/** What lets the requests of one server in: gives each its token, and hears which were refused. */
export interface Authorization {
  /** The command with which a person signs in. */
  readonly command: string
  /** Whether a token may go to `url`, once there is one. */
  covers(url: URL): boolean
  /**
   * The access token for a request to `url`, null when there is none or `url` is not what it is bound to. A promise only
   * while one is fetched. Rejects with `oauth.unreachable`, `vault.locked`, … when none can be had for now.
   */
  tokenFor(url: URL): Secret | Needed | null | Promise<Secret | Needed | null>
  /**
   * Null when the request may be sent once more, with another token than the one it went with. Rejects as `tokenFor`.
   */
  refused(refusal: Refusal): Promise<Needed | null>
}

const sentences: Record<SignInNeed, string> = {
  first: 'it wants you to sign in',
  refused: 'its sign-in does not count any more',
  expired: 'its sign-in ran out',
  scope: 'what was asked of it needs more rights than its sign-in has',
}

/** The server does not let us in, so it did nothing of what the message asked. Sending it again is of no use. */
export class NotLetInError extends UndeliveredError {}

/** Only a person can help, by signing in. */
export class SignInNeededError extends NotLetInError {
  constructor(
    readonly need: SignInNeed,
    command: string,
  ) {
    super('upstream.unauthorized', `${sentences[need]}; ${command} does that`)
    this.name = 'SignInNeededError'
  }
}
