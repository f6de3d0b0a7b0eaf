import { createAuthorizations } from '../oauth/authorizations'
import { createCurrentTokens } from '../oauth/current'
import { createRefresh } from '../oauth/refresh'
import { createRefresher } from '../oauth/refresher'
import { createSealedTokens } from '../oauth/sealed-tokens'
import { createTokenEndpoint } from '../oauth/token-endpoint'
import { createTokens } from '../oauth/tokens'
import type { Binding } from '../oauth/grant'
import { createRegistrations } from '../oauth/registrations'
import type { Foundation, Parts } from './foundation'

/** What sign-ins at servers stand on. */
export type OAuthFoundation = Pick<
  Foundation,
  'runtime' | 'redactor' | 'vault' | 'events' | 'fault' | 'safeFetch'
> & { stores: Pick<Foundation['stores'], 'db' | 'tokens' | 'registrations' | 'servers'> }

/** Our sign-ins at the authorization servers of servers. */
export type OAuth = ReturnType<typeof openOAuth>

/** Keeps tokens and renews them until the end. */
export function openOAuth(parts: Parts, foundation: OAuthFoundation) {
  const { runtime, redactor, vault, events, safeFetch, fault } = foundation
  const { db, tokens: store, servers } = foundation.stores
  const registrations = createRegistrations({ store: foundation.stores.registrations, vault, db })
  const registrationOf = ({ serverId: id, spaceId, issuer }: Binding) =>
    registrations.find({ id, spaceId }, issuer)
  const endpoint = createTokenEndpoint({ safeFetch, runtime })
  const sealed = createSealedTokens({ store, vault })
  const current = createCurrentTokens({ store, sealed, redactor, runtime })
  const tell = ({ spaceId, serverId }: Binding) => events.emit('authorization.changed', { spaceId, serverId })
  const refresh = createRefresh({
    ...{ store, sealed, endpoint, registrationOf, runtime },
    onRenewal({ outcome, tokens }) {
      current.set(tokens)
      if (outcome === 'person') tell(tokens)
    },
  })
  const tokens = createTokens({ store, sealed, current, endpoint, registrationOf, events })
  const authorizations = createAuthorizations({ store, current, refresh, runtime, onNeed: tell })
  parts.use(createRefresher({ servers: () => servers.list(), current, refresh, runtime, report: fault }))
  parts.defer(events.on('vault.changed', () => current.clear()))
  parts.defer(
    events.on('server.changed', ({ serverId }) => {
      if (!servers.list().some(({ id }) => id === serverId)) current.drop(serverId)
    }),
  )
  parts.defer(() => current.clear())
  return { endpoint, registrations, tokens, authorizations }
}
