/** An AI application that connects to the gateway. */
export interface Client {
  id: string
  name: string
  /** The Space it is pinned to; null follows the active Space. */
  spaceId: string | null
  /** Besides its grants it gets the default Feature Set of whatever Space it works in. */
  everywhere: boolean
  /** Neither: the person is asked when it comes. Then `spaceId` is null. */
  asks: boolean
  createdAt: number
  lastSeenAt: number | null
}

/** `mcp_<random>`; only its SHA-256 is stored. Carries no rights of its own. Times are epoch milliseconds. */
export interface AccessKey {
  id: string
  clientId: string
  /** Last four characters, for a person to tell keys apart. */
  hint: string
  createdAt: number
  expiresAt: number | null
  lastUsedAt: number | null
  revokedAt: number | null
  /** What a person calls it; null for nothing. */
  label: string | null
  /** Id of the key that was made to take over from it; null for none. */
  replacedBy: string | null
}

/** `replaced`: another key took over, and until it ends this one counts as well. */
export type KeyState = 'in use' | 'replaced' | 'expired' | 'revoked'

/** What a key is at a time. The first two count. */
export function keyState(
  key: Pick<AccessKey, 'expiresAt' | 'revokedAt' | 'replacedBy'>,
  now: number,
): KeyState {
  if (key.revokedAt !== null) return 'revoked'
  if (key.expiresAt !== null && key.expiresAt <= now) return 'expired'
  return key.replacedBy === null ? 'in use' : 'replaced'
}

export const counts = (state: KeyState): boolean => state === 'in use' || state === 'replaced'

/** The authenticated Client of one request, and what proved it: the id of an access key, or of a sign-in. */
export interface Identity {
  clientId: string
  credentialId: string
}
