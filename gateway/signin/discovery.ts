import type { Audience } from './sign-ins'

/** Where the steps of a sign-in are, on the origin that has them. */
export const paths = {
  resource: '/.well-known/oauth-protected-resource',
  resourceOfMcp: '/.well-known/oauth-protected-resource/mcp',
  server: '/.well-known/oauth-authorization-server',
  register: '/oauth/register',
  authorize: '/oauth/authorize',
  wait: '/oauth/wait',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
} as const

/** The one origin with a sign-in; the others are for access keys. */
export function audienceOf(port: number): Audience {
  const issuer = port === 80 ? 'http://localhost' : `http://localhost:${port}`
  return { issuer, resource: `${issuer}/mcp` }
}

/** What a token must be for to count at this address (without query); null where none does. */
export function audienceAt(address: string): Audience | null {
  const port = /^http:\/\/localhost(?::(\d{1,5}))?\/mcp$/.exec(address)
  return port && audienceOf(Number(port[1] ?? 80))
}

/**
 * Whether every resource a client named is this gateway: the endpoint, or less of its address, as clients shorten it
 * (RFC 8707 section 2; MCP 2026-07-28, authorization). Scheme and host may be written in capitals.
 */
export const isOurs = (resources: readonly string[], { issuer }: Audience): boolean =>
  resources.every((resource) => {
    const path = resource.slice(issuer.length)
    return (
      resource.slice(0, issuer.length).toLowerCase() === issuer && ['', '/', '/mcp', '/mcp/'].includes(path)
    )
  })

/** Protected resource metadata (RFC 9728 section 2). */
export const resourceDocument = ({ issuer, resource }: Audience) => ({
  resource,
  authorization_servers: [issuer],
  bearer_methods_supported: ['header'],
  resource_name: 'McpMux',
})

/**
 * Authorization server metadata (RFC 8414 section 2, RFC 9207 section 3). `documents`: whether a client's id may be the
 * address of a document; where it may not, clients register.
 */
export const serverDocument = ({ issuer }: Audience, documents: boolean) => ({
  issuer,
  authorization_endpoint: issuer + paths.authorize,
  token_endpoint: issuer + paths.token,
  registration_endpoint: issuer + paths.register,
  revocation_endpoint: issuer + paths.revoke,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_methods_supported: ['none'],
  revocation_endpoint_auth_methods_supported: ['none'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: documents,
})
