/**
 * A program that may ask to sign in: one that registered itself (RFC 7591), or one whose id is the address of a
 * document about it. What it says of itself is a claim; which Client it is, a person decides.
 */
export interface Applicant {
  /** Its OAuth `client_id`. */
  id: string
  kind: 'registered' | 'document'
  /** What it calls itself, as `nameOf` gives it. */
  name: string
  redirectUris: readonly string[]
  /** The Client it was approved as; null before an approval, and after that Client was removed. */
  clientId: string | null
  createdAt: number
  /** When it last asked or was approved. */
  usedAt: number
}

/** What a person allowed once: access of a Client that lasts, by tokens that are replaced, until it is revoked. */
export interface SignIn {
  id: string
  clientId: string
  applicantId: string
  createdAt: number
  lastUsedAt: number | null
  revokedAt: number | null
}

/** An applicant that waits for a person. */
export interface Approval {
  id: string
  /** The four characters its browser page shows as well. */
  code: string
  name: string
  applicantId: string
  kind: Applicant['kind']
  /** Where the answer goes, in full, and what of it names the receiver: a host, or the scheme of an application. */
  redirectUri: string
  receiver: string
  /** Epoch milliseconds. */
  askedAt: number
  expiresAt: number
  /** The Client it was approved as before. */
  clientId: string | null
}

/** What a person decides with an approval. Without `space`, `set` and `everywhere` a known Client keeps its rights. */
export interface Decision {
  /** Space by name or id; without it the active one. */
  space?: string
  /** Feature Set of that Space by name or id; without it the default one. */
  set?: string
  /** Follows the active Space, with the default Feature Set of each. */
  everywhere?: boolean
  /** An existing Client, by name or id, that the applicant is to be. */
  client?: string
}
