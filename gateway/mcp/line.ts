/** The connection a request came on, as far as the door cares. */
export interface Line {
  /** Address of the other end. */
  remote(): string
  /** From now on the connection may be quiet for as long as it likes. */
  keepOpen(): void
  /** Where a client without a credential that counts may look for a sign-in; null where there is none. */
  signIn(): string | null
}
