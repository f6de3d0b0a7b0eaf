import type { Runtime } from '../runtime'
import { createCheckThread } from './check-thread'
import type { Database } from './database'
import { brokenBecause } from './errors'

const CHECK_EVERY_MS = 7 * 86_400_000
/** Turns until a check that could not be made is tried again. */
const PAUSE_TURNS = 360

/** What a database needs while it is in use for weeks. */
export interface Upkeep extends AsyncDisposable {
  /** To be called now and then. `idle` when nobody would notice a pause of some milliseconds. */
  turn(idle: boolean): void
}

/**
 * Writes the log back into the file when there is time, and once a week checks everything, as a start does. A database
 * that does not pass is reported, stays in use, and is refused by the next start: what it still gives is worth more to
 * its user than a gateway that is gone.
 */
export function createUpkeep(deps: {
  db: Database
  file: string
  runtime: Pick<Runtime, 'now'>
  report: (error: unknown) => void
}): Upkeep {
  const { db, runtime } = deps
  const lastCheck = db.statement<{ at: number }>("SELECT at FROM upkeep WHERE name = 'integrity_check'")
  const noteCheck = db.statement("INSERT OR REPLACE INTO upkeep VALUES ('integrity_check', $at)")
  const checkpoint = db.statement('PRAGMA wal_checkpoint(PASSIVE)')
  const changes = db.statement<{ count: number }>('SELECT total_changes() AS count')
  const thread = createCheckThread()
  let writtenBack = 0
  let checking = false
  let pause = 0

  /** A clock that was set back makes it due, too. */
  const isDue = (): boolean => {
    const at = lastCheck.get()?.at ?? 0
    return at > runtime.now() || runtime.now() - at >= CHECK_EVERY_MS
  }

  async function check(): Promise<void> {
    checking = true
    const verdict = await thread.check(deps.file)
    if (verdict === 'ok') noteCheck.run({ at: runtime.now() })
    if (verdict === 'unread') pause = PAUSE_TURNS
    // One that is broken stays due, so that the next start looks at everything; here it was told, and that is enough.
    if (verdict !== 'broken') checking = false
    else {
      db.report({ table: 'mcpmux.db', id: '', what: 'does not pass its check; restore one of the backups' })
      throw brokenBecause()
    }
  }

  function writeBack(): void {
    const count = changes.get()?.count ?? 0
    if (count === writtenBack) return
    checkpoint.get()
    writtenBack = count
  }

  return {
    turn(idle) {
      try {
        if (idle) writeBack()
        if (pause > 0) pause--
        else if (!checking && isDue()) check().catch(deps.report)
      } catch (error) {
        deps.report(error)
      }
    },
    [Symbol.asyncDispose]: () => thread.close(),
  }
}
