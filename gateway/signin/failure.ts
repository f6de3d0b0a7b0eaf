// Failures in the words of OAuth (RFC 6749 sections 4.1.2.1 and 5.2, RFC 7591 section 3.2.2, RFC 8707 section 2).

const statuses = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  unsupported_token_type: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  interaction_required: 400,
  access_denied: 403,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  temporarily_unavailable: 503,
  slow_down: 429,
  server_error: 500,
} as const

/** The code a client of OAuth reads. */
export type OAuthCode = keyof typeof statuses

/** A failure of the sign-in. `description` is for whoever writes the client: ASCII, and nothing that was sent. */
export class OAuthError extends Error {
  constructor(
    readonly code: OAuthCode,
    readonly description: string,
  ) {
    super(`${code}: ${description}`)
    this.name = 'OAuthError'
  }

  get status(): number {
    return statuses[this.code]
  }
}
