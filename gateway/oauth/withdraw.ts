import type { Server } from '../domain/server'
import type { OAuthFetch } from './fetch'
import { deregister } from './register'
import type { Registrations } from './registrations'
import type { Tokens } from './tokens'

/**
 * Takes leave of the issuers of a server that is going to be removed: its tokens are revoked (RFC 7009), and registrations
 * McpMux made are ended (RFC 7592), where they take that. All of it is read at once; the promise settles when the issuers
 * were told, as far as they could be.
 */
export function createWithdraw(deps: {
  tokens: Pick<Tokens, 'forget'>
  registrations: Pick<Registrations, 'list'>
  fetchFor: (typedUrl: string) => OAuthFetch
}): (server: Server) => Promise<void> {
  return async (server) => {
    if (server.definition.type === 'stdio' || !URL.canParse(server.definition.url)) return
    const fetch = deps.fetchFor(server.definition.url)
    const held = deps.registrations.list(server)
    // Whoever revokes proves itself with the registration.
    await deps.tokens.forget(server)
    await Promise.all(held.map((registration) => deregister(fetch, registration)))
  }
}
