import type { Database } from './database'

/** Servers that refused a request because nobody was signed in. Another definition forgets it. */
export interface SignInWantStore {
  has(serverId: string): boolean
  /** Nothing happens when the server was removed meanwhile. */
  add(serverId: string): void
  remove(serverId: string): void
}

export function createSignInWantStore(db: Database): SignInWantStore {
  const one = db.statement('SELECT 1 FROM sign_ins_wanted WHERE server_id = $serverId')
  const add = db.statement(`
    INSERT OR IGNORE INTO sign_ins_wanted (server_id) SELECT id FROM servers WHERE id = $serverId`)
  const drop = db.statement('DELETE FROM sign_ins_wanted WHERE server_id = $serverId')
  return {
    has: (serverId) => one.get({ serverId }) !== null,
    add(serverId) {
      add.run({ serverId })
    },
    remove(serverId) {
      drop.run({ serverId })
    },
  }
}
