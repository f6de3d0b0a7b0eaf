import type { EraVerdict } from '../domain/era'
import type { Era } from '../domain/exchange'
import type { Database } from './database'

/** What servers turned out to speak. Another definition forgets it. */
export interface EraStore {
  get(serverId: string): EraVerdict | null
  /** Nothing happens when the server was removed meanwhile. */
  set(serverId: string, verdict: EraVerdict): void
  forget(serverId: string): void
}

interface Row {
  era: string
  server_info: string
  found_at: number
}

const isEra = (text: string): text is Era => text === 'legacy' || text === 'modern'

export function createEraStore(db: Database): EraStore {
  const of = db.statement<Row>('SELECT era, server_info, found_at FROM eras WHERE server_id = $serverId')
  const put = db.statement(`
    INSERT OR REPLACE INTO eras (server_id, era, server_info, found_at)
    SELECT id, $era, $serverInfo, $foundAt FROM servers WHERE id = $serverId`)
  const drop = db.statement('DELETE FROM eras WHERE server_id = $serverId')
  return {
    get(serverId) {
      const row = of.get({ serverId })
      if (!row || !isEra(row.era)) return null
      return { era: row.era, serverInfo: row.server_info, foundAt: row.found_at }
    },
    set(serverId, { era, serverInfo, foundAt }) {
      put.run({ serverId, era, serverInfo: serverInfo.toWellFormed(), foundAt })
    },
    forget(serverId) {
      drop.run({ serverId })
    },
  }
}
