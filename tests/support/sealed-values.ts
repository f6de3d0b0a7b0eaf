// One sealed value in every table that has any, put there as the gateway does it.
import type { Server } from '../../gateway/domain/server'
import { sealedTables } from '../../gateway/store/sealed-rows'
import { createRegistrations } from '../../gateway/oauth/registrations'
import { createSealedTokens } from '../../gateway/oauth/sealed-tokens'
import { Secret } from '../../gateway/secrets/secret'
import { createServerSecrets } from '../../gateway/secrets/server-secrets'
import { createSpaceSecrets } from '../../gateway/secrets/space-secrets'
import type { Vault } from '../../gateway/secrets/vault'
import { stdioDefinition, type tempStores } from './temp-store'

type Stores = ReturnType<typeof tempStores>

const issuer = 'https://as.example'
const issuerMetadata = {
  issuer,
  authorizationEndpoint: `${issuer}/authorize`,
  tokenEndpoint: `${issuer}/token`,
  registrationEndpoint: null,
  revocationEndpoint: null,
  takesDocuments: false,
  namesItself: false,
  authMethods: null,
  scopes: null,
}
const resource = 'https://mcp.example/mcp'

/** A server with a secret input, a registration, tokens and a sign-in under way, all saying `SECRET of <name>`. */
export const sealEverywhere = (stores: Stores, vault: Vault, name: string): Server =>
  stores.db.transaction(() => seal(stores, vault, name, stores.spaces.active().id))

function seal(stores: Stores, vault: Vault, name: string, spaceId: string): Server {
  const server = stores.servers.create({
    spaceId,
    name,
    alias: name.replaceAll('_', '-'),
    definition: stdioDefinition(),
    inputs: [{ id: 'TOKEN', secret: true, value: null }],
    source: 'cli',
  })
  const of = { serverId: server.id, spaceId }
  const secret = new Secret(`SECRET of ${name}`)
  createServerSecrets({ vault, credentials: stores.credentials }).set(server, 'TOKEN', secret)
  createSpaceSecrets({ vault, store: stores.spaceSecrets }).set(spaceId, name, secret)
  createRegistrations({ store: stores.registrations, vault, db: stores.db }).put(server, {
    issuer,
    kind: 'dynamic',
    clientId: 'us',
    authMethod: 'client_secret_basic',
    redirectUri: 'http://127.0.0.1:9315/oauth/callback',
    clientSecret: secret,
    secretExpiresAt: null,
    management: null,
  })
  createSealedTokens({ store: stores.tokens, vault }).put(
    {
      ...of,
      issuer,
      resource,
      clientId: 'us',
      scope: null,
      issuedAt: 1,
      expiresAt: null,
      needs: null,
      wantedScope: null,
      metadata: issuerMetadata,
      accessToken: secret,
      refreshToken: secret,
    },
    0,
  )
  const id = `flow-${name}`
  stores.flows.add({
    ...of,
    id,
    stateHash: crypto.getRandomValues(new Uint8Array(32)),
    issuer,
    resource,
    scope: null,
    clientId: 'us',
    redirectUri: 'http://127.0.0.1:9315/oauth/callback',
    expiresAt: 2,
    ...vault.seal({ table: 'oauth_flows', column: 'envelope', row: id, space: spaceId }, secret),
  })
  vault.ownKey('session')
  return server
}

/** What each sealed value says, by its place; `unreadable` where the vault does not open it. */
export const readEverywhere = (stores: Stores, vault: Vault): Map<string, string> =>
  new Map(
    stores.sealedRows
      .all()
      .map(({ place, envelope }) => [
        `${place.table} ${place.row}`,
        vault.open(place, envelope)?.reveal() ?? 'unreadable',
      ]),
  )

/** Every sealed byte and every key id, as text. */
export const sealedBytes = (stores: Stores): string =>
  JSON.stringify(
    sealedTables.map(({ table }) => stores.db.statement(`SELECT * FROM ${table} ORDER BY 1, 2`).all()),
  )
