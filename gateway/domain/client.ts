/** An AI application that connects to the gateway. */
export interface Client {
  id: string
  name: string
  /** The Space it is pinned to; null follows the active Space. */
  spaceId: string | null
  /** Besides its grants it gets the default Feature Set of whatever Space it works in. */
  everywhere: boolean
  createdAt: number
  lastSeenAt: number | null
}

/** `mcp_<random>`; only its SHA-256 is stored. Carries no rights of its own. */
export interface AccessKey {
  id: string
  clientId: string
  /** Last four characters, for a person to tell keys apart. */
  hint: string
  createdAt: number
  expiresAt: number | null
  lastUsedAt: number | null
  revokedAt: number | null
}

/** The authenticated Client of one request, and what proved it: the id of an access key, or of a sign-in. */
export interface Identity {
  clientId: string
  credentialId: string
}
