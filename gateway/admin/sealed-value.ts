/** A sealed value by where it is: never by what it is. */
export interface SealedValue {
  table: string
  /** Null when it belongs to no server that is there. */
  server: string | null
  space: string | null
  /** Which one it is of its server or Space; null where its table has one of each. */
  name: string | null
}

/** What tells a row from the others of its server or Space, by the columns of its key. */
export function nameIn(columns: Readonly<Record<string, string | number | null>>): string | null {
  const name = columns.name ?? columns.issuer ?? null
  return name === null ? null : String(name)
}
