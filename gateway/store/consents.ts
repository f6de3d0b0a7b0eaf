import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** That a person agreed to what a server runs. Worth nothing unless the seal still matches. */
export interface Consent {
  seal: string
  /** Who agreed, in the words of the door it came through: 'cli', 'demo', … */
  givenBy: string
  givenAt: number
  /** What was approved, as it was sealed; null for one from before forms were kept. */
  form: string | null
}

export interface ConsentStore {
  get(serverId: string): Consent | null
  /** Replaces an older one; given now unless told when. Throws `server.unknown`. */
  put(
    serverId: string,
    seal: string,
    givenBy: string,
    more?: { givenAt?: number | undefined; form?: string | null },
  ): void
  remove(serverId: string): void
}

interface Row {
  seal: string
  given_by: string
  given_at: number
  form: string | null
}

/** Consents by server. */
export function createConsentStore(db: Database, runtime: Pick<Runtime, 'now'>): ConsentStore {
  const byServer = db.statement<Row>(
    'SELECT seal, given_by, given_at, form FROM consents WHERE server_id = $serverId',
  )
  const server = db.statement('SELECT 1 FROM servers WHERE id = $serverId')
  const put = db.statement(`
    INSERT OR REPLACE INTO consents (server_id, seal, given_by, given_at, form)
    VALUES ($serverId, $seal, $givenBy, $givenAt, $form)`)
  const drop = db.statement('DELETE FROM consents WHERE server_id = $serverId')

  return {
    get(serverId) {
      const row = byServer.get({ serverId })
      return row && { seal: row.seal, givenBy: row.given_by, givenAt: row.given_at, form: row.form }
    },
    put: (serverId, seal, givenBy, { givenAt = runtime.now(), form = null } = {}) =>
      db.transaction(() => {
        if (!server.get({ serverId })) throw new GatewayError('server.unknown')
        put.run({ serverId, seal, givenBy, givenAt, form })
      }),
    remove: (serverId) => {
      drop.run({ serverId })
    },
  }
}
