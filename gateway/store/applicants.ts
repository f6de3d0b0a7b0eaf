import type { Applicant } from '../domain/sign-in'
import type { Runtime } from '../runtime'
import type { Database } from './database'

export interface ApplicantStore {
  get(id: string): Applicant | null
  /** Adds one, or replaces what is known of it except the Client it is. */
  put(applicant: Pick<Applicant, 'id' | 'kind' | 'name' | 'redirectUris'>): Applicant
  /** From now on it is this Client. Nothing happens when there is no such applicant. */
  assign(id: string, clientId: string): void
  /** It asked just now. */
  use(id: string): void
  /** Removes those that are no Client: last used before this time, and all but the `most` last used. */
  expire(before: number, most: number): void
}

interface Row {
  id: string
  kind: string
  name: string
  redirect_uris: string
  client_id: string | null
  created_at: number
  used_at: number
}

/** An applicant whose addresses cannot be read has none: nothing is ever sent there. */
function addresses(json: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(json)
    return Array.isArray(value) && value.every((one): one is string => typeof one === 'string') ? value : []
  } catch {
    return []
  }
}

const toApplicant = (row: Row): Applicant => ({
  id: row.id,
  kind: row.kind === 'document' ? 'document' : 'registered',
  name: row.name,
  redirectUris: addresses(row.redirect_uris),
  clientId: row.client_id,
  createdAt: row.created_at,
  usedAt: row.used_at,
})

/** Programs that may ask to sign in. */
export function createApplicantStore(db: Database, runtime: Pick<Runtime, 'now'>): ApplicantStore {
  const byId = db.statement<Row>('SELECT * FROM applicants WHERE id = $id')
  const insert = db.statement(`
    INSERT INTO applicants (id, kind, name, redirect_uris, created_at, used_at)
    VALUES ($id, $kind, $name, $redirectUris, $now, $now)
    ON CONFLICT (id) DO UPDATE SET name = $name, redirect_uris = $redirectUris, used_at = $now`)
  const setClient = db.statement('UPDATE applicants SET client_id = $clientId, used_at = $now WHERE id = $id')
  const touch = db.statement('UPDATE applicants SET used_at = $now WHERE id = $id')
  const dropOld = db.statement('DELETE FROM applicants WHERE client_id IS NULL AND used_at < $before')
  const dropMany = db.statement(`
    DELETE FROM applicants WHERE client_id IS NULL AND id NOT IN (
      SELECT id FROM applicants WHERE client_id IS NULL ORDER BY used_at DESC LIMIT $most)`)

  return {
    get(id) {
      const row = byId.get({ id })
      return row && toApplicant(row)
    },
    put: ({ id, kind, name, redirectUris }) =>
      db.transaction(() => {
        const now = runtime.now()
        insert.run({ id, kind, name, redirectUris: JSON.stringify(redirectUris), now })
        const row = byId.get({ id })
        return row
          ? toApplicant(row)
          : { id, kind, name, redirectUris, clientId: null, createdAt: now, usedAt: now }
      }),
    assign(id, clientId) {
      setClient.run({ id, clientId, now: runtime.now() })
    },
    use(id) {
      touch.run({ id, now: runtime.now() })
    },
    expire: (before, most) =>
      db.transaction(() => {
        dropOld.run({ before })
        dropMany.run({ most })
      }),
  }
}
