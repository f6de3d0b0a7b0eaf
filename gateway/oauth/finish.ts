// How a sign-in ends: the browser brings a code back, which is traded for tokens at the issuer the flow was begun with.
import type { IssuerMetadata } from '../domain/authorization'
import { GatewayError, toGatewayError } from '../errors'
import type { Redactor } from '../secrets/redactor'
import type { Secret } from '../secrets/secret'
import type { Database } from '../store/database'
import type { StoredFlow } from '../store/oauth-flows'
import type { ServerStore } from '../store/servers'
import { callbackUrl, codeIn, placeOf, stateIn } from './answer'
import { signInUrl } from './sign-in-address'
import type { OAuthFetch } from './fetch'
import type { FlowRows, SealedFlow } from './flow-rows'
import type { Binding, Registration, TokenGrant } from './grant'
import { deregister } from './register'
import type { HeldRegistration, Registrations } from './registrations'
import { coversUrl } from './resource-metadata'
import type { TokenEndpoint } from './token-endpoint'
import { RefusedError } from './token-answer'

/** Keeps tokens, and lets the server be used with them. */
export type AcceptTokens = (
  binding: Binding,
  registration: Registration,
  metadata: IssuerMetadata,
  grant: TokenGrant,
) => void

export interface FinishDeps {
  db: Pick<Database, 'transaction'>
  servers: Pick<ServerStore, 'get' | 'list'>
  rows: FlowRows
  registrations: Pick<Registrations, 'find' | 'put' | 'remove'>
  tokenEndpoint: Pick<TokenEndpoint, 'exchange' | 'revoke'>
  accept: AcceptTokens
  fetchFor: (typedUrl: string) => OAuthFetch
  redactor: Pick<Redactor, 'hold' | 'redact'>
  /** Takes what went wrong inside. */
  report: (error: unknown) => void
}

/** What came back of a flow, and what waits to be done with it. */
export interface Received {
  flow: StoredFlow
  /** Settles when the flow is over; never rejects. */
  traded: Promise<void>
}

/**
 * Takes the address a browser was sent back to. Each state is good once. Throws `oauth.flow_unknown` for what answers no
 * flow that waits, and what the vault says; then nothing happened.
 */
export function createReceive(deps: FinishDeps): (address: string) => Received {
  const { rows, registrations, redactor } = deps

  /** Throws `oauth.interrupted` when the server is not the one the flow was begun for any more. */
  function stillFits(flow: StoredFlow): string {
    const server = deps.servers.list(flow.spaceId).find(({ id }) => id === flow.serverId)
    const url = server && signInUrl(server)
    if (!url || !coversUrl(flow.resource, url))
      throw new GatewayError('oauth.interrupted', 'the server was changed')
    return url.href
  }

  async function trade(flow: StoredFlow, sealed: SealedFlow, url: URL): Promise<void> {
    const owner = { id: flow.serverId, spaceId: flow.spaceId }
    const { serverId, spaceId, issuer, resource, redirectUri } = flow
    const { metadata } = sealed
    const code = codeIn(url, metadata)
    const typedUrl = stillFits(flow)
    const older = registrations.find(owner, issuer)
    const registration = sealed.registration ?? older
    if (registration?.clientId !== flow.clientId)
      throw new GatewayError('oauth.interrupted', 'the client id of the server was changed')
    const grant = await exchange(metadata, registration, {
      ...{ code, verifier: sealed.verifier, redirectUri, resource, typedUrl },
    })
    // Nobody uses them if they are not kept.
    const revoke = () =>
      deps.tokenEndpoint.revoke(metadata, registration, grant.refreshToken ?? grant.accessToken, typedUrl)
    if (rows.get(flow.id)?.phase !== 'received') {
      await revoke()
      return
    }
    try {
      stillFits(flow)
      const binding = { serverId, spaceId, issuer, resource }
      // Tokens without the client id they belong to could never be renewed.
      deps.db.transaction(() => {
        if (sealed.registration) registrations.put(owner, sealed.registration)
        // What is not said was granted as it was asked for (RFC 6749, section 5.1).
        deps.accept(binding, registration, metadata, { ...grant, scope: grant.scope ?? flow.scope })
      })
    } catch (error) {
      void revoke()
      throw error
    }
    rows.step(flow, 'received', 'done')
    if (sealed.registration && older) void deregister(deps.fetchFor(typedUrl), older)
  }

  async function exchange(
    metadata: IssuerMetadata,
    registration: HeldRegistration,
    request: { code: Secret; verifier: Secret; redirectUri: string; resource: string; typedUrl: string },
  ): Promise<TokenGrant> {
    const { code, verifier } = request
    using _ = redactor.hold([
      code,
      verifier,
      ...(registration.clientSecret ? [registration.clientSecret] : []),
    ])
    return await deps.tokenEndpoint.exchange(metadata, registration, request)
  }

  function fail(flow: StoredFlow, thrown: unknown): void {
    const error = toGatewayError(thrown)
    if (error.code === 'internal') deps.report(thrown)
    rows.step(flow, 'received', 'failed', new GatewayError(error.code, redactor.redact(error.detail ?? '')))
    // An issuer that does not know the client id it gave will not know it the next time.
    if (thrown instanceof RefusedError && thrown.error === 'invalid_client') forget(flow)
  }

  function forget({ serverId, spaceId, issuer, clientId }: StoredFlow): void {
    const held = registrations.find({ id: serverId, spaceId }, issuer)
    if (held?.kind === 'dynamic' && held.clientId === clientId) registrations.remove(serverId, issuer)
  }

  return (address) => {
    const url = callbackUrl(address)
    const state = url && stateIn(url)
    const flow = state === null ? null : rows.byState(state)
    if (!url || flow?.phase !== 'waiting' || placeOf(url) !== flow.redirectUri)
      throw new GatewayError('oauth.flow_unknown')
    const sealed = rows.open(flow)
    if (!rows.step(flow, 'waiting', 'received')) throw new GatewayError('oauth.flow_unknown')
    if (!sealed) {
      fail(flow, new GatewayError('credential.unreadable', 'what the sign-in began with'))
      return { flow, traded: Promise.resolve() }
    }
    const traded = trade(flow, sealed, url)
      .catch((error: unknown) => fail(flow, error))
      .catch(deps.report)
    return { flow, traded }
  }
}
