import type { RegistrationKind } from '../domain/authorization'
import { referredNames } from '../domain/references'
import type { Server } from '../domain/server'
import type { SignInStatus } from '../oauth/tokens'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, SpaceQuery } from './schemas'
import { type InputView, inputViews } from './server-view'

/** What a server is given, and what of it is there: never a secret value. */
export interface CredentialsView {
  serverId: string
  server: string
  alias: string
  spaceId: string
  space: string
  /** `setAt`: when a secret one was stored (epoch milliseconds), else null. */
  inputs: (InputView & { setAt: number | null })[]
  /** Variables of the gateway's environment it refers to. */
  variables: { name: string; isSet: boolean }[]
  /** Secrets of its Space it refers to. */
  secrets: { name: string; isSet: boolean; setAt: number | null }[]
  /** Our sign-in at its authorization server; null for none. */
  signIn: SignInStatus | null
  /** Client ids for it; one that waits for the first issuer has none yet. */
  clientIds: {
    issuer: string | null
    clientId: string
    kind: RegistrationKind
    hasSecret: boolean
    setAt: number
  }[]
}

function credentialsView(server: Server, deps: AdminDeps): CredentialsView {
  const { spaces, secrets, namedSecrets, values, logins, registrations } = deps
  const stored = new Map(secrets.list(server).map(({ id, setAt }) => [id, setAt]))
  const shared = new Map(namedSecrets.list(server.spaceId).map(({ name, setAt }) => [name, setAt]))
  const referred = referredNames(server.definition)
  return {
    serverId: server.id,
    server: server.name,
    alias: server.alias,
    spaceId: server.spaceId,
    space: spaces.get(server.spaceId).name,
    inputs: inputViews(server, secrets).map((input) => ({ ...input, setAt: stored.get(input.id) ?? null })),
    variables: referred.env.map((name) => ({ name, isSet: values.hasVariable(name) })),
    secrets: referred.secrets.map((name) => {
      const setAt = shared.get(name) ?? null
      return { name, isSet: setAt !== null, setAt }
    }),
    signIn: logins.of(server),
    clientIds: registrations.list(server.id).map(({ issuer, clientId, kind, sealed, createdAt }) => ({
      issuer: issuer === '' ? null : issuer,
      clientId,
      kind,
      hasSecret: sealed !== null,
      setAt: createdAt,
    })),
  }
}

/** What is stored for whom. */
export const credentialRoutes = (deps: AdminDeps) =>
  resource('/credentials')
    .get(
      '/',
      ({ query }) =>
        deps.servers
          .list(query.space && deps.spaces.find(query.space).id)
          .map((server) => credentialsView(server, deps)),
      { query: SpaceQuery },
    )
    .get('/:id', ({ params }) => credentialsView(deps.servers.get(params.id), deps), { params: IdParams })
