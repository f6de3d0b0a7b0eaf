import type { Database as Sqlite } from 'bun:sqlite'
import type { Runtime } from '../runtime'
import { backUp } from './backup'
import { brokenBecause } from './errors'
import { splitStatements } from './split-statements'

export interface MigrationOptions {
  /** Which migrations to run; the shipped ones unless told. */
  migrations?: readonly string[]
  /** Called before each statement of a migration, and once before its commit. A throw undoes that migration. */
  onStatement?: (version: number, statement: number) => void
}

/**
 * Brings the database to the newest version: a checked backup of one that has content, then each migration in a
 * transaction of its own together with its `user_version`, so that an interruption leaves a version, never a part.
 */
export function migrate(
  sqlite: Sqlite,
  file: string,
  runtime: Pick<Runtime, 'now'>,
  options: MigrationOptions & { migrations: readonly string[] },
): void {
  const from = versionOf(sqlite)
  if (from === options.migrations.length) return
  if (from > 0) backUp(sqlite, file, from, runtime.now())
  // Rebuilding a table needs its references at rest; foreign_key_check has the last word instead.
  sqlite.run('PRAGMA foreign_keys = OFF')
  for (const [index, sql] of options.migrations.entries())
    if (index >= from) runOne(sqlite, index + 1, sql, options.onStatement)
}

function runOne(
  sqlite: Sqlite,
  version: number,
  sql: string,
  onStatement: MigrationOptions['onStatement'],
): void {
  const statements = [...splitStatements(sql), `PRAGMA user_version = ${version}`]
  sqlite.run('BEGIN IMMEDIATE')
  try {
    for (const [index, statement] of statements.entries()) {
      onStatement?.(version, index)
      sqlite.run(statement)
    }
    if (rows(sqlite, 'PRAGMA foreign_key_check').length > 0) throw brokenBecause()
    onStatement?.(version, statements.length)
    sqlite.run('COMMIT')
  } catch (thrown) {
    if (sqlite.inTransaction) sqlite.run('ROLLBACK')
    throw thrown
  }
}

function rows(sqlite: Sqlite, sql: string): Record<string, unknown>[] {
  const statement = sqlite.prepare<Record<string, unknown>, []>(sql)
  const all = statement.all()
  statement.finalize()
  return all
}

const versionOf = (sqlite: Sqlite): number =>
  Number(rows(sqlite, 'PRAGMA user_version')[0]?.user_version ?? 0)
