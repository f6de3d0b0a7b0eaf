import type { IssuerMetadata, SignInNeed } from '../domain/authorization'
import { GatewayError } from '../errors'
import type { Place } from '../secrets/envelope'
import { Secret } from '../secrets/secret'
import type { Vault } from '../secrets/vault'
import type { StoredTokens, TokenKey, TokenStore } from '../store/oauth-tokens'
import type { Binding, TokenGrant } from './grant'

/** Tokens as they are stored, opened. */
export interface OpenTokens extends Binding, TokenGrant {
  clientId: string
  /** One more with every writing. */
  version: number
  metadata: IssuerMetadata
  needs: SignInNeed | null
  wantedScope: string | null
}

/** Tokens of servers, sealed in the database. Nothing here is ever removed but by `remove`. */
export interface SealedTokens {
  /** Throws `vault.locked` or `keychain.unavailable`, and `credential.unreadable`. */
  open(row: StoredTokens): OpenTokens
  /** Stored durably when it returns true; false as `TokenStore.put`. Throws what the vault says. */
  put(tokens: Omit<OpenTokens, 'version'>, over: number): boolean
  /** As `open`; null when there is no such row. */
  read(key: TokenKey): OpenTokens | null
}

interface Plain {
  access: string
  refresh?: string
  /** Sealed too: who writes to the file cannot have the refresh token sent elsewhere. */
  metadata: IssuerMetadata
}

const placeOf = ({ serverId, spaceId, issuer, resource }: Binding): Place => ({
  table: 'oauth_tokens',
  column: 'envelope',
  // No slash is in the id of a server, no blank in an address.
  row: `${serverId}/${issuer} ${resource}`,
  space: spaceId,
})

export function createSealedTokens(deps: {
  store: Pick<TokenStore, 'get' | 'put'>
  vault: Pick<Vault, 'seal' | 'open'>
}): SealedTokens {
  const { store, vault } = deps

  function open({ keyId: _, envelope, ...row }: StoredTokens): OpenTokens {
    const opened = vault.open(placeOf(row), envelope)
    if (!opened) throw new GatewayError('credential.unreadable', 'its sign-in; sign in again')
    const { access, refresh, metadata } = JSON.parse(opened.reveal()) as Plain
    return {
      ...row,
      metadata,
      accessToken: new Secret(access),
      refreshToken: refresh === undefined ? null : new Secret(refresh),
    }
  }

  return {
    open,
    put({ accessToken, refreshToken, metadata, ...row }, over) {
      const plain: Plain = { access: accessToken.reveal(), refresh: refreshToken?.reveal(), metadata }
      const sealed = vault.seal(placeOf(row), new Secret(JSON.stringify(plain)))
      return store.put({ ...row, ...sealed }, over)
    },
    read(key) {
      const row = store.get(key)
      return row && open(row)
    },
  }
}
