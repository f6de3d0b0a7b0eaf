import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { createAuthorizations } from '../oauth/authorizations'
import { callbackAddress, createCallbackDoors, type Listening } from '../oauth/callback'
import { createCurrentTokens } from '../oauth/current'
import { createOAuthFetch } from '../oauth/fetch'
import { createFlowRows } from '../oauth/flow-rows'
import { recordFlows } from '../oauth/flow-trail'
import { createFlows } from '../oauth/flows'
import { createSignInNeeds } from '../oauth/needs'
import type { Binding, Registration } from '../oauth/grant'
import { createRefresh } from '../oauth/refresh'
import { createRefresher } from '../oauth/refresher'
import { createChooseRegistration } from '../oauth/registration'
import { createRegistrations } from '../oauth/registrations'
import { createSealedTokens } from '../oauth/sealed-tokens'
import { createTokenEndpoint } from '../oauth/token-endpoint'
import { createTokens } from '../oauth/tokens'
import { createWithdraw } from '../oauth/withdraw'
import type { Foundation, Parts } from './foundation'

/** What sign-ins at servers stand on. */
export type OAuthFoundation = Pick<
  Foundation,
  'runtime' | 'redactor' | 'vault' | 'events' | 'fault' | 'safeFetch' | 'called'
> & {
  stores: Pick<
    Foundation['stores'],
    'tokens' | 'signInWants' | 'servers' | 'registrations' | 'flows' | 'settings' | 'db'
  >
  consents: Pick<Foundation['consents'], 'of'>
  trail: Pick<Foundation['trail'], 'record'>
  tell: Pick<Foundation['tell'], 'server'>
}

/** Our sign-ins at the authorization servers of servers. */
export type OAuth = ReturnType<typeof openOAuth>

/** Keeps tokens and renews them until the end; takes people through sign-ins. `listening`: where the first door is, once open. */
export function openOAuth(parts: Parts, foundation: OAuthFoundation, listening: () => Listening | null) {
  const { runtime, redactor, vault, events, safeFetch, fault, trail, stores, consents, called } = foundation
  const { tokens: store, servers, settings } = stores
  const fetchFor = createOAuthFetch({ safeFetch, runtime })
  const endpoint = createTokenEndpoint({ safeFetch, runtime })
  const registrations = createRegistrations({ store: stores.registrations, vault, db: stores.db })
  const registrationOf = ({ serverId, spaceId, issuer }: Binding): Registration | null =>
    registrations.find({ id: serverId, spaceId }, issuer)
  const sealed = createSealedTokens({ store, vault })
  const current = createCurrentTokens({ store, sealed, redactor, runtime })
  const tell = ({ spaceId, serverId }: Binding) => events.emit('authorization.changed', { spaceId, serverId })
  const refresh = createRefresh({
    ...{ store, sealed, endpoint, registrationOf, runtime },
    onRenewal({ outcome, tokens: renewed }) {
      current.set(renewed)
      if (outcome === 'person') tell(renewed)
    },
  })
  const tokens = createTokens({ store, sealed, current, endpoint, registrationOf, events })
  const needs = createSignInNeeds({ current, store: stores.signInWants, runtime })
  const authorizations = createAuthorizations({
    store,
    current,
    needs,
    refresh,
    runtime,
    called,
    onNeed: tell,
  })
  parts.defer(refresh.close)
  parts.use(createRefresher({ servers: () => servers.list(), current, refresh, runtime, report: fault }))
  parts.defer(events.on('vault.changed', () => current.clear()))
  parts.defer(
    events.on('server.changed', ({ serverId }) => {
      if (!servers.list().some(({ id }) => id === serverId)) current.drop(serverId)
    }),
  )
  parts.defer(() => current.clear())

  const rows = createFlowRows({ store: stores.flows, tokens: store, vault, events, runtime })
  parts.defer(
    recordFlows({
      events,
      flow: stores.flows.get,
      server: (id) => servers.list().find((server) => server.id === id),
      log: (server, line) => foundation.tell.server(server, 'OAuth', line),
      record: trail.record,
    }),
  )
  const flows = createFlows({
    servers,
    tokens: store,
    needs,
    choose: createChooseRegistration({
      ...{ registrations, tokens: store, flows: stores.flows, runtime },
      document: () => settings.read('oauth.client_document'),
    }),
    consented: (server) => consents.of(server) !== null,
    lastChallenge: authorizations.lastChallenge,
    redirectUri: () => callbackAddress(settings.read('oauth.redirect_host'), listening()),
    tokenEndpoint: endpoint,
    accept: tokens.accept,
    report: fault,
    ...{ rows, registrations, vault, safeFetch, fetchFor, redactor, events, runtime, db: stores.db },
  })
  parts.defer(flows.close)
  const withdraw = createWithdraw({ tokens, registrations, fetchFor })
  /** What a sign-in makes of a server that does not run; null for nothing. */
  function stateOf(server: Server): UpstreamState | null {
    const need = needs.of(server)
    return authorizations.blockedBy(server) ?? (need && { status: 'needs_authorization', need })
  }
  return {
    tokens,
    stateOf,
    authorizations,
    needs,
    flows,
    registrations,
    withdraw,
    callbacks: createCallbackDoors(flows.receive),
  }
}
