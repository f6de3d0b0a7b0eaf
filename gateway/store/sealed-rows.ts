import type { Database } from './database'

/**
 * A table with sealed fields: `envelope`, and `key_id` which says with what. What is sealed is bound to table, column,
 * row and Space; a row is named by the values of its key, with slashes between or as `row` says.
 */
export interface SealedTable {
  table: string
  key: readonly string[]
  row?: (...key: string[]) => string
  /** Where its Space is; null for what belongs to none. */
  space: string | null
  /** Whether an export takes it along for another data folder. */
  exported: boolean
}

/** Every table with sealed fields there is: what is not in this list is lost when the data key is replaced. */
export const sealedTables: readonly SealedTable[] = [
  { table: 'credentials', key: ['server_id', 'name'], space: 'space_id', exported: true },
  { table: 'space_secrets', key: ['space_id', 'name'], space: 'space_id', exported: true },
  { table: 'oauth_registrations', key: ['server_id', 'issuer'], space: 'space_id', exported: true },
  {
    table: 'oauth_tokens',
    key: ['server_id', 'issuer', 'resource'],
    row: (server, issuer, resource) => `${server}/${issuer} ${resource}`,
    space: 'space_id',
    exported: true,
  },
  // Over in minutes.
  { table: 'oauth_flows', key: ['id'], space: 'space_id', exported: false },
  // What they mark stays here.
  { table: 'vault_secrets', key: ['name'], space: null, exported: false },
]

/** One sealed field, and the place it is bound to. */
export interface SealedRow {
  place: { table: string; column: 'envelope'; row: string; space: string }
  key: Readonly<Record<string, string>>
  /** The server it is of; null when it is of none. */
  serverId: string | null
  keyId: string
  envelope: Uint8Array
}

/** The sealed fields of all tables, whatever is in them. */
export interface SealedRowStore {
  all(): SealedRow[]
  /** As it is stored now; null when it is gone. */
  again(row: SealedRow): SealedRow | null
  /** Nothing else of the row changes. */
  replace(row: SealedRow, keyId: string, envelope: Uint8Array): void
}

export type Columns = Record<string, string | null> & { key_id: string; envelope: Uint8Array }

/** What a stored row is, by its columns. */
export const toRow =
  ({ table, key, space, row = (...values) => values.join('/') }: SealedTable) =>
  (columns: Columns): SealedRow => {
    const named = Object.fromEntries(key.map((column) => [column, columns[column] ?? '']))
    return {
      place: {
        table,
        column: 'envelope',
        row: row(...Object.values(named)),
        space: space === null ? '' : (columns[space] ?? ''),
      },
      key: named,
      serverId: columns.server_id ?? null,
      keyId: columns.key_id,
      envelope: columns.envelope,
    }
  }

/** Over every table of `sealedTables`. */
export function createSealedRowStore(db: Database): SealedRowStore {
  const tables = new Map(
    sealedTables.map((sealed) => {
      const { table, key } = sealed
      const here = key.map((column) => `${column} = $${column}`).join(' AND ')
      const statements = {
        toRow: toRow(sealed),
        all: db.statement<Columns>(
          `SELECT * FROM ${table} WHERE envelope IS NOT NULL ORDER BY ${key.join()}`,
        ),
        one: db.statement<Columns>(`SELECT * FROM ${table} WHERE envelope IS NOT NULL AND ${here}`),
        put: db.statement(`UPDATE ${table} SET key_id = $keyId, envelope = $envelope WHERE ${here}`),
      }
      return [table, statements] as const
    }),
  )
  return {
    all: () => [...tables.values()].flatMap((of) => of.all.all().map(of.toRow)),
    again({ place, key }) {
      const of = tables.get(place.table)
      const columns = of?.one.get({ ...key })
      return of && columns ? of.toRow(columns) : null
    },
    replace({ place, key }, keyId, envelope) {
      tables.get(place.table)?.put.run({ ...key, keyId, envelope })
    },
  }
}
