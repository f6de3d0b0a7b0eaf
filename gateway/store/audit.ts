import { createHash } from 'node:crypto'
import type { Actor, AuditFilter, AuditRecord, AuditRow } from '../domain/audit'
import type { Database } from './database'

/** A place in the trail: an entry and the hash over it and all before. */
export interface AuditLink {
  seq: number
  chain: Uint8Array
}

export interface AuditStore {
  /** Adds entries at the end, in their order: all of them, or none. Durable when it returns. */
  append(rows: readonly AuditRow[]): void
  /** Up to `limit` entries with a number below `before`, the newest first. */
  list(filter: AuditFilter, page: { before: number | null; limit: number }): AuditRecord[]
  /** Up to `limit` entries with a number above `after`, the oldest first. */
  after(filter: AuditFilter, page: { after: number; limit: number }): AuditRecord[]
  /** The newest entry, and the newest of those that were removed for their age or number. */
  ends(): { head: AuditLink; pruned: AuditLink }
  /**
   * Follows the chain over up to `limit` entries from a place it has: where it came to, and the first number that is
   * missing or not what was written, null for none.
   */
  follow(from: AuditLink, limit: number): { at: AuditLink; broken: number | null }
  /**
   * Removes the oldest entries that ended before a time or are more than so many; at most `limit` at once. Returns how
   * many.
   */
  prune(keep: { since: number; entries: number }, limit: number): number
}

interface Row {
  seq: number
  at: number
  until: number
  count: number
  action: string
  via: string
  pid: number | null
  executable: string | null
  actor_client: string | null
  actor_credential: string | null
  space_id: string | null
  client_id: string | null
  server_id: string | null
  subject: string | null
  detail: string | null
  chain: Uint8Array
}

interface Ends {
  head_seq: number
  head_chain: Uint8Array
  pruned_seq: number
  pruned_chain: Uint8Array
}

/** The hash an entry has after the one before it. */
function chainOf(before: Uint8Array, row: Omit<Row, 'chain'>): Uint8Array {
  const told = [
    ...[row.seq, row.at, row.until, row.count, row.action],
    ...[row.via, row.pid, row.executable, row.actor_client, row.actor_credential],
    ...[row.space_id, row.client_id, row.server_id, row.subject, row.detail],
  ]
  return new Uint8Array(createHash('sha256').update(before).update(JSON.stringify(told), 'utf8').digest())
}

function toRow(seq: number, { actor, ...entry }: AuditRow): Omit<Row, 'chain'> {
  return {
    seq,
    at: entry.at,
    until: entry.until,
    count: entry.count,
    action: entry.action,
    via: actor.via,
    pid: actor.via === 'socket' ? actor.pid : null,
    executable: actor.via === 'socket' ? actor.executable : null,
    actor_client: actor.via === 'client' ? actor.clientId : null,
    actor_credential: actor.via === 'client' ? actor.credentialId : null,
    space_id: entry.spaceId ?? null,
    client_id: entry.clientId ?? null,
    server_id: entry.serverId ?? null,
    subject: entry.subject ?? null,
    detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
  }
}

function toActor(row: Row): Actor {
  if (row.via === 'socket') return { via: 'socket', pid: row.pid ?? 0, executable: row.executable ?? '' }
  if (row.via === 'client')
    return { via: 'client', clientId: row.actor_client ?? '', credentialId: row.actor_credential }
  return { via: row.via === 'window' ? 'window' : 'gateway' }
}

/** None for text that somebody damaged; the chain tells of it. */
function readDetail(text: string): Pick<AuditRow, 'detail'> {
  try {
    return { detail: JSON.parse(text) as NonNullable<AuditRow['detail']> }
  } catch {
    return {}
  }
}

function toRecord(row: Row): AuditRecord {
  const { seq, at, until, count, action } = row
  return {
    ...{ seq, at, until, count, action, actor: toActor(row) },
    ...(row.space_id === null ? {} : { spaceId: row.space_id }),
    ...(row.client_id === null ? {} : { clientId: row.client_id }),
    ...(row.server_id === null ? {} : { serverId: row.server_id }),
    ...(row.subject === null ? {} : { subject: row.subject }),
    ...(row.detail === null ? {} : readDetail(row.detail)),
  }
}

const wanted = `($action IS NULL OR action GLOB $action) AND ($since IS NULL OR until >= $since)
  AND ($until IS NULL OR at <= $until) AND ($spaceId IS NULL OR space_id = $spaceId)
  AND ($serverId IS NULL OR server_id = $serverId)
  AND ($clientId IS NULL OR client_id = $clientId OR actor_client = $clientId)`

const asParams = ({ action, since, until, clientId, spaceId, serverId }: AuditFilter) => ({
  action: action ?? null,
  since: since ?? null,
  until: until ?? null,
  clientId: clientId ?? null,
  spaceId: spaceId ?? null,
  serverId: serverId ?? null,
})

/**
 * The audit trail. The tables themselves refuse changes and removals; the chain of hashes shows those that were made
 * around them.
 */
export function createAuditStore(db: Database): AuditStore {
  const readEnds = db.statement<Ends>('SELECT * FROM audit_ends')
  const insert = db.statement(`INSERT INTO audit_log VALUES ($seq, $at, $until, $count, $action, $via, $pid,
    $executable, $actor_client, $actor_credential, $space_id, $client_id, $server_id, $subject, $detail, $chain)`)
  const moveHead = db.statement('UPDATE audit_ends SET head_seq = $seq, head_chain = $chain')
  const newest = db.statement<Row>(
    `SELECT * FROM audit_log WHERE ($before IS NULL OR seq < $before) AND ${wanted} ORDER BY seq DESC LIMIT $limit`,
  )
  const since = db.statement<Row>(
    `SELECT * FROM audit_log WHERE seq > $after AND ${wanted} ORDER BY seq LIMIT $limit`,
  )
  const chain = db.statement<Row>('SELECT * FROM audit_log WHERE seq > $seq ORDER BY seq LIMIT $limit')
  const oldest = db.statement<Row>('SELECT * FROM audit_log ORDER BY seq LIMIT $limit')
  const movePruned = db.statement('UPDATE audit_ends SET pruned_seq = $seq, pruned_chain = $chain')
  const drop = db.statement('DELETE FROM audit_log WHERE seq <= $seq')

  const ends = (): { head: AuditLink; pruned: AuditLink } => {
    const row = readEnds.get()
    const none = { seq: 0, chain: new Uint8Array(32) }
    if (!row) return { head: none, pruned: none }
    return {
      head: { seq: row.head_seq, chain: row.head_chain },
      pruned: { seq: row.pruned_seq, chain: row.pruned_chain },
    }
  }

  return {
    append: (rows) =>
      db.transaction(() => {
        let { seq, chain: before } = ends().head
        for (const entry of rows) {
          const row = toRow(++seq, entry)
          before = chainOf(before, row)
          insert.run({ ...row, chain: before })
          moveHead.run({ seq, chain: before })
        }
      }),
    list: (filter, { before, limit }) => newest.all({ ...asParams(filter), before, limit }).map(toRecord),
    after: (filter, page) => since.all({ ...asParams(filter), ...page }).map(toRecord),
    ends,
    follow(from, limit) {
      const rows = chain.all({ seq: from.seq, limit })
      let at = from
      for (const row of rows) {
        const next = chainOf(at.chain, row)
        if (row.seq !== at.seq + 1) return { at, broken: at.seq + 1 }
        if (!Bun.deepEquals(next, new Uint8Array(row.chain))) return { at, broken: row.seq }
        at = { seq: row.seq, chain: next }
      }
      if (rows.length === limit) return { at, broken: null }
      const { head } = ends()
      const whole = head.seq === at.seq && Bun.deepEquals(new Uint8Array(head.chain), at.chain)
      return { at, broken: whole ? null : at.seq + 1 }
    },
    prune: (keep, limit) =>
      db.transaction(() => {
        const overflow = ends().head.seq - keep.entries
        const due = (row: Row | undefined): row is Row =>
          row !== undefined && (row.seq <= overflow || row.until < keep.since)
        // Mostly there is nothing to do, and one row tells.
        if (!due(oldest.get({ limit: 1 }) ?? undefined)) return 0
        const rows = oldest.all({ limit })
        const kept = rows.findIndex((row) => !due(row))
        const last = rows[(kept < 0 ? rows.length : kept) - 1]
        if (!last) return 0
        movePruned.run({ seq: last.seq, chain: last.chain })
        return drop.run({ seq: last.seq })
      }),
  }
}
