import type { Secret } from '../secrets/secret'

/** A server's refusal of one request: 401, or 403 with `insufficient_scope` (RFC 6750, section 3). */
export interface Refusal {
  status: 401 | 403
  /** `WWW-Authenticate` as it came; null without one. */
  challenge: string | null
  /** The token the request went with; null when it went without. */
  sent: Secret | null
  /** Where the request went. */
  url: URL
}

/** What lets the requests of one server in: gives each its token, and hears which were refused. */
export interface Authorization {
  /**
   * The access token for a request to `url`, null when there is none or `url` is not what it is bound to. A promise only
   * while a refresh is under way. Throws `upstream.unauthorized`, with what to do, when a person is needed.
   */
  tokenFor(url: URL): Secret | null | Promise<Secret | null>
  /**
   * True when the request may be sent once more, with another token than the one it went with. Throws
   * `upstream.unauthorized` when only a person can help.
   */
  refused(refusal: Refusal): Promise<boolean>
}
