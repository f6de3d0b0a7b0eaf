// Under which client id a sign-in goes (MCP 2026-07-28, client registration): one a person gave, else the address of a
// document of ours, else one the issuer gives when asked, else a person is asked.
import type { IssuerMetadata } from '../domain/authorization'
import type { Server } from '../domain/server'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { FlowStore } from '../store/oauth-flows'
import type { StoredTokens, TokenStore } from '../store/oauth-tokens'
import type { OAuthFetch } from './fetch'
import { authMethodAt, deregister, register } from './register'
import type { HeldRegistration, Registrations } from './registrations'

export interface RegistrationRequest {
  server: Pick<Server, 'id' | 'spaceId'>
  typedUrl: string
  metadata: IssuerMetadata
  redirectUri: string
  fetch: OAuthFetch
}

/** `pending`: it is to be stored only when the sign-in is done, because tokens that are good belong to the older one. */
export interface ChosenRegistration {
  registration: HeldRegistration
  pending: boolean
}

export interface ChooseRegistrationDeps {
  registrations: Registrations
  tokens: Pick<TokenStore, 'list'>
  flows: Pick<FlowStore, 'list'>
  /** The setting `oauth.client_document`. */
  document: () => string
  runtime: Pick<Runtime, 'now'>
}

/** Can be used or renewed, as far as is known. */
const isAlive = ({ needs }: StoredTokens): boolean => needs === null || needs === 'scope'

/** A secret that ends within a sign-in is of no use for it. */
const TIME_LEFT = 15 * 60_000

export function createChooseRegistration(deps: ChooseRegistrationDeps) {
  const { registrations, tokens, flows, runtime } = deps

  /** Somebody still lives on tokens of this client id. */
  const inUse = (serverId: string, { issuer, clientId }: HeldRegistration): boolean =>
    tokens.list(serverId).some((row) => row.issuer === issuer && row.clientId === clientId && isAlive(row))

  /** The last sign-in with it came to nothing: an issuer that forgot a client says so in the browser alone. */
  function looksForgotten(serverId: string, held: HeldRegistration): boolean {
    const last = flows.list(serverId).find(({ clientId }) => clientId === held.clientId)
    const unanswered = last?.phase === 'expired' || (last?.phase === 'cancelled' && last.error === null)
    return unanswered && !inUse(serverId, held)
  }

  function given(held: HeldRegistration, { metadata, redirectUri }: RegistrationRequest): HeldRegistration {
    const authMethod = authMethodAt(metadata, held.clientSecret !== null)
    if (!authMethod)
      throw new GatewayError(
        'oauth.registration_needed',
        held.clientSecret ? 'it takes no client secrets' : 'the client id needs its secret with it',
      )
    return { ...held, authMethod, redirectUri }
  }

  const document = (clientId: string, { metadata, redirectUri }: RegistrationRequest): HeldRegistration => ({
    issuer: metadata.issuer,
    kind: 'document',
    clientId,
    authMethod: 'none',
    redirectUri,
    clientSecret: null,
    secretExpiresAt: null,
    management: null,
  })

  async function find(
    request: RegistrationRequest,
    held: HeldRegistration | null,
  ): Promise<HeldRegistration> {
    const { server, metadata, redirectUri, fetch } = request
    if (held?.kind === 'given') return given(held, request)
    const address = deps.document()
    if (address !== '' && metadata.takesDocuments) return document(address, request)
    const lasts = held && (held.secretExpiresAt === null || held.secretExpiresAt > runtime.now() + TIME_LEFT)
    if (
      held?.kind === 'dynamic' &&
      held.redirectUri === redirectUri &&
      lasts &&
      !looksForgotten(server.id, held)
    )
      return held
    const { registrationEndpoint } = metadata
    if (registrationEndpoint === null)
      throw new GatewayError(
        'oauth.registration_needed',
        `register it at ${metadata.issuer} with the redirect address ${redirectUri}, and give the client id to the server`,
      )
    return register(fetch, {
      ...request,
      metadata: { ...metadata, registrationEndpoint },
      now: runtime.now(),
    })
  }

  /**
   * Throws `oauth.registration_needed`, `oauth.registration_refused`, `oauth.unreachable`, `net.*`; `oauth.interrupted`
   * when a person gave a client id meanwhile; what the vault says.
   */
  return async (request: RegistrationRequest): Promise<ChosenRegistration> => {
    const { server, metadata, fetch } = request
    const held = registrations.claim(server, metadata.issuer)
    const registration = await find(request, held)
    const now = registrations.claim(server, metadata.issuer)
    if (now?.kind === 'given' && (held?.kind !== 'given' || held.clientId !== now.clientId)) {
      // What a person gave meanwhile is not to be replaced; what was just made is of no use.
      if (registration.kind === 'dynamic' && registration.clientId !== held?.clientId)
        void deregister(fetch, registration)
      throw new GatewayError('oauth.interrupted', 'a client id was given to the server meanwhile')
    }
    const replaces = held !== null && held.clientId !== registration.clientId
    const pending = replaces && inUse(server.id, held)
    if (!pending) registrations.put(server, registration)
    if (replaces && !pending) void deregister(fetch, held)
    return { registration, pending }
  }
}
