import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { brokenBecause } from './errors'
import { privateFile, privateFolder } from './private-files'

const KEEP = 3
const PART = '.part'

/**
 * Copies the database to `backups/mcpmux-v<version>-<time>.db` beside it, 0600, checked before it counts; the
 * newest three stay. Returns the path. Throws `store.broken` when the copy does not pass, `store.unwritable`.
 */
export function backUp(sqlite: Sqlite, file: string, version: number, now: number): string {
  const folder = join(dirname(file), 'backups')
  const prefix = `${basename(file, '.db')}-v`
  const target = join(folder, `${prefix}${version}-${String(now).padStart(14, '0')}.db`)
  const part = target + PART
  privateFolder(folder)
  for (const name of readdirSync(folder)) if (name.endsWith(PART)) rmSync(join(folder, name))
  // VACUUM INTO writes into an empty file but would create one that everybody can read.
  privateFile(part)
  try {
    sqlite.run('VACUUM INTO ?', [part])
    if (!passes(part)) throw brokenBecause()
    sync(part)
  } catch (thrown) {
    rmSync(part, { force: true })
    throw thrown
  }
  renameSync(part, target)
  sync(folder)
  for (const name of outdated(readdirSync(folder), prefix)) rmSync(join(folder, name))
  return target
}

/** Times are the last, fixed-width part of a name: the newest come last whatever their version. */
const outdated = (names: readonly string[], prefix: string): string[] =>
  names
    .filter((name) => name.startsWith(prefix) && name.endsWith('.db'))
    .sort((a, b) => stamp(a).localeCompare(stamp(b)))
    .slice(0, -KEEP)

const stamp = (name: string): string => name.slice(name.lastIndexOf('-'))

function passes(file: string): boolean {
  const copy = new Sqlite(file, { readonly: true })
  try {
    copy.run('PRAGMA ignore_check_constraints = ON')
    const statement = copy.prepare<{ integrity_check: string }, []>('PRAGMA integrity_check(1)')
    const verdict = statement.get()
    statement.finalize()
    return verdict?.integrity_check === 'ok'
  } finally {
    copy.close(true)
  }
}

function sync(path: string): void {
  // Windows cannot open a folder for this, and keeps renames in order by itself.
  if (process.platform === 'win32') return
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
