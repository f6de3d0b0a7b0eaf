import type { Server } from '../domain/server'
import type { OAuthFetch } from './fetch'
import { deregister } from './register'
import type { Registrations } from './registrations'

/**
 * Ends the registrations McpMux made for a server that is going to be removed, where their issuers take that (RFC 7592).
 * They are read at once; the promise settles when the issuers were told, as far as they could be.
 */
export function createWithdraw(deps: {
  registrations: Pick<Registrations, 'list'>
  fetchFor: (typedUrl: string) => OAuthFetch
}): (server: Server) => Promise<void> {
  return async (server) => {
    if (server.definition.type === 'stdio' || !URL.canParse(server.definition.url)) return
    const fetch = deps.fetchFor(server.definition.url)
    await Promise.all(deps.registrations.list(server).map((held) => deregister(fetch, held)))
  }
}
