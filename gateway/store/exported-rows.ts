import type { Runtime } from '../runtime'
import type { Database } from './database'
import { type Columns, type SealedRow, sealedTables, toRow } from './sealed-rows'

/** A row as it can be taken elsewhere. Some have nothing sealed. */
export interface ExportedRow {
  table: string
  /** All but the envelope and its key. */
  columns: Readonly<Record<string, string | number | null>>
  place: SealedRow['place']
  envelope: Uint8Array | null
}

/** Rows that are taken from one data folder to another. */
export interface ExportedRowStore {
  all(): ExportedRow[]
  /** The row as it is stored here; null for none. Of `columns` those of the key count. */
  stored(row: Pick<ExportedRow, 'table' | 'columns'>): ExportedRow | null
  /** Where it would be sealed. Null for a table or a column that is not known here. */
  placeOf(row: Pick<ExportedRow, 'table' | 'columns'>): SealedRow['place'] | null
  /** Puts it in the place of the one that is there, later and newer than that one. */
  put(
    row: Pick<ExportedRow, 'table' | 'columns'>,
    sealed: { keyId: string; envelope: Uint8Array } | null,
  ): void
}

type Whole = Record<string, string | number | Uint8Array | null>

/** Over the tables of `sealedTables` that an export takes along. */
export function createExportedRowStore(db: Database, runtime: Pick<Runtime, 'now'>): ExportedRowStore {
  const tables = new Map(
    sealedTables
      .filter(({ exported }) => exported)
      .map((sealed) => {
        const { table, key } = sealed
        const here = key.map((column) => `${column} = $${column}`).join(' AND ')
        const statements = {
          key,
          place: toRow(sealed),
          all: db.statement<Whole>(`SELECT * FROM ${table} ORDER BY ${key.join()}`),
          one: db.statement<Whole>(`SELECT * FROM ${table} WHERE ${here}`),
          columns: db.statement<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`),
        }
        return [table, statements] as const
      }),
  )
  type Of = NonNullable<ReturnType<(typeof tables)['get']>>

  const placeIn = (of: Of, columns: Whole | ExportedRow['columns']): SealedRow['place'] =>
    of.place({ ...columns, key_id: '', envelope: new Uint8Array() } as Columns).place
  const keyIn = (of: Of, columns: ExportedRow['columns']) =>
    Object.fromEntries(of.key.map((column) => [column, columns[column] ?? null]))

  function toExported(table: string, of: Of, { key_id: _, envelope, ...rest }: Whole): ExportedRow {
    const columns = Object.fromEntries(
      Object.entries(rest).filter(
        (one): one is [string, string | number | null] => !(one[1] instanceof Uint8Array),
      ),
    )
    const sealed = envelope instanceof Uint8Array ? envelope : null
    return { table, columns, place: placeIn(of, columns), envelope: sealed }
  }

  function stored({ table, columns }: Pick<ExportedRow, 'table' | 'columns'>): ExportedRow | null {
    const of = tables.get(table)
    const found = of?.one.get(keyIn(of, columns))
    return of && found ? toExported(table, of, found) : null
  }

  return {
    all: () => [...tables].flatMap(([table, of]) => of.all.all().map((row) => toExported(table, of, row))),
    stored,
    placeOf({ table, columns }) {
      const of = tables.get(table)
      if (!of) return null
      const known = new Set(of.columns.all().map(({ name }) => name))
      const named = Object.keys(columns)
      const fits = named.every((name) => known.has(name)) && of.key.every((name) => named.includes(name))
      return fits ? placeIn(of, columns) : null
    },
    put({ table, columns }, sealed) {
      const before = stored({ table, columns })?.columns
      const whole: Whole = { ...columns, key_id: sealed?.keyId ?? null, envelope: sealed?.envelope ?? null }
      if ('updated_at' in whole)
        whole.updated_at = Math.max(runtime.now(), Number(before?.updated_at ?? 0) + 1)
      // Who reads a version and writes over it must notice.
      if ('version' in whole) whole.version = Number(before?.version ?? 0) + 1
      const names = Object.keys(whole)
      db.statement(
        `INSERT OR REPLACE INTO ${table} (${names.join()}) VALUES (${names.map((name) => `$${name}`).join()})`,
      ).run(whole)
    },
  }
}
