import { Database as Sqlite, type SQLQueryBindings } from 'bun:sqlite'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { brokenBecause, toStoreError } from './errors'
import { migrate, type MigrationOptions } from './migrate'
import { migrations as shipped } from './migrations'
import { privateFile, privateFolder, tighten } from './private-files'

const CHECK_EVERY_MS = 7 * 86_400_000

export type Params = Record<string, string | number | Uint8Array | null>

/** One prepared statement, compiled on first use. Every failure of the disk is a `store.*` error. */
export interface Statement<Row> {
  all(params?: Params): Row[]
  get(params?: Params): Row | null
  /** How many rows changed. */
  run(params?: Params): number
}

/** A row that cannot be understood. It is left alone and left out; the rest goes on. */
export interface Problem {
  table: string
  id: string
  what: string
}

/** The one connection to `mcpmux.db`. */
export interface Database {
  statement<Row>(sql: string): Statement<Row>
  /** All of `work` is stored, or none of it. Nested calls join the outer one. */
  transaction<T>(work: () => T): T
  report(problem: Problem): void
  /** Rows that were left out since the start, each once. */
  problems(): readonly Problem[]
  /** Writes the log back into the file and lets go of it. Idempotent. */
  close(): void
  [Symbol.dispose](): void
}

/** Journal mode for an SQLite version: write-ahead logs before 3.51.3 can be reset under a reader (sqlite.org/wal.html). */
export function journalMode(version: string): 'WAL' | 'DELETE' {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return major * 1_000_000 + minor * 1000 + patch >= 3_051_003 ? 'WAL' : 'DELETE'
}

/**
 * Opens the database, private to its owner from the first byte, checked, and migrated to this version. Throws
 * `store.newer` (nothing is changed then), `store.broken` or `store.unwritable`.
 */
export function openDatabase(
  file: string,
  runtime: Pick<Runtime, 'now'>,
  options: MigrationOptions = {},
): Database {
  privateFolder(dirname(file))
  privateFile(file)
  // SQLite makes these with the mode of the file itself; they may be left from before.
  for (const side of ['-wal', '-shm', '-journal']) tighten(file + side)
  const migrations = options.migrations ?? shipped
  const unclean = wasKilled(file)
  let sqlite: Sqlite | null = null
  try {
    sqlite = new Sqlite(file, { readwrite: true, create: true, strict: true })
    sqlite.run('PRAGMA busy_timeout = 5000')
    const version = pragma(sqlite, 'user_version')
    if (Number(version) > migrations.length)
      throw new GatewayError('store.newer', 'install that version again, or choose another data folder')
    const thorough = unclean || !recentlyChecked(sqlite, runtime.now())
    check(sqlite, thorough)
    configure(sqlite)
    migrate(sqlite, file, runtime, { ...options, migrations })
    if (thorough) noteCheck(sqlite, runtime.now())
    sqlite.run('PRAGMA foreign_keys = ON')
    return wrap(sqlite)
  } catch (thrown) {
    sqlite?.close()
    throw toStoreError(thrown)
  }
}

function pragma(sqlite: Sqlite, name: string): unknown {
  const statement = sqlite.prepare<Record<string, unknown>, []>(`PRAGMA ${name}`)
  const row = statement.get()
  statement.finalize()
  return row ? Object.values(row)[0] : null
}

/** A clean end writes the log back and removes it. */
const wasKilled = (file: string): boolean =>
  (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0

/**
 * A thorough check holds the indexes against their tables too: after an unclean end, and every week. A value that breaks
 * a rule of its table is not looked for: who reads the row finds it, and it costs that row only.
 */
function check(sqlite: Sqlite, thorough: boolean): void {
  sqlite.run('PRAGMA ignore_check_constraints = ON')
  if (pragma(sqlite, thorough ? 'integrity_check(1)' : 'quick_check(1)') !== 'ok') throw brokenBecause()
  sqlite.run('PRAGMA ignore_check_constraints = OFF')
}

/** False for a database from before checks were noted, and for a clock that was set back. */
function recentlyChecked(sqlite: Sqlite, now: number): boolean {
  if (!hasUpkeep(sqlite)) return false
  const statement = sqlite.prepare<{ at: number }, []>("SELECT at FROM upkeep WHERE name = 'integrity_check'")
  const row = statement.get()
  statement.finalize()
  return row !== null && row.at <= now && now - row.at < CHECK_EVERY_MS
}

function noteCheck(sqlite: Sqlite, now: number): void {
  if (hasUpkeep(sqlite)) sqlite.run("INSERT OR REPLACE INTO upkeep VALUES ('integrity_check', ?)", [now])
}

function hasUpkeep(sqlite: Sqlite): boolean {
  const statement = sqlite.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'upkeep'")
  const found = statement.get() !== null
  statement.finalize()
  return found
}

function configure(sqlite: Sqlite): void {
  const version = sqlite.prepare<{ version: string }, []>('SELECT sqlite_version() AS version')
  sqlite.run(`PRAGMA journal_mode = ${journalMode(version.get()?.version ?? '')}`)
  version.finalize()
  // An acknowledged write survives a power cut; macOS needs the fullfsync pair for that.
  sqlite.run('PRAGMA synchronous = FULL')
  sqlite.run('PRAGMA fullfsync = ON')
  sqlite.run('PRAGMA checkpoint_fullfsync = ON')
  sqlite.run('PRAGMA secure_delete = ON')
  sqlite.run('PRAGMA trusted_schema = OFF')
}

function wrap(sqlite: Sqlite): Database {
  const open: { finalize(): void }[] = []
  const found = new Map<string, Problem>()
  let closed = false

  const guarded = <T>(work: () => T): T => {
    try {
      return work()
    } catch (thrown) {
      throw toStoreError(thrown)
    }
  }

  const close = () => {
    if (closed) return
    closed = true
    for (const statement of open) statement.finalize()
    sqlite.close(true)
  }

  return {
    statement<Row>(sql: string): Statement<Row> {
      const compile = () => {
        const statement = sqlite.prepare<Row, SQLQueryBindings[]>(sql)
        open.push(statement)
        return statement
      }
      let compiled: ReturnType<typeof compile> | null = null
      const use = () => (compiled ??= compile())
      return {
        all: (params) => guarded(() => (params ? use().all(params) : use().all())),
        get: (params) => guarded(() => (params ? use().get(params) : use().get())),
        run: (params) => guarded(() => (params ? use().run(params) : use().run()).changes),
      }
    },
    transaction(work) {
      if (sqlite.inTransaction) return work()
      return guarded(() => {
        sqlite.run('BEGIN IMMEDIATE')
        try {
          const result = work()
          sqlite.run('COMMIT')
          return result
        } catch (thrown) {
          // A full disk may have ended the transaction already.
          if (sqlite.inTransaction) sqlite.run('ROLLBACK')
          throw thrown
        }
      })
    },
    report: (problem) => {
      found.set(`${problem.table} ${problem.id}`, problem)
    },
    problems: () => [...found.values()],
    close,
    [Symbol.dispose]: close,
  }
}
