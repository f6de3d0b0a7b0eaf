import { sse } from 'elysia'
import type { Actor, AuditFilter, AuditRecord } from '../domain/audit'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { AuditQuery, AuditStreamQuery } from './audit-schemas'

/** An entry with the names of what it is about, as they are now; null for what is gone. */
export interface AuditView extends AuditRecord {
  space: string | null
  client: string | null
  server: string | null
  /** Who did it, for a person. */
  by: string
}

export interface AuditPage {
  /** The newest first. */
  entries: AuditView[]
  /** What to give as `before` for the next page; null when this was the last one. */
  next: number | null
  /** The newest number there is; a stream from there on misses nothing. */
  newest: number
}

/** Entries that are given when nobody says how many. */
const SOME = 100

type Names = Pick<AdminDeps, 'spaces' | 'clients' | 'servers'>

/** Names by id, read once for a page. */
function namesIn({ spaces, clients, servers }: Names) {
  const map = (rows: readonly { id: string; name: string }[]) =>
    new Map(rows.map(({ id, name }) => [id, name]))
  const [ofSpace, ofClient, ofServer] = [map(spaces.list()), map(clients.list()), map(servers.list())]

  function who(actor: Actor): string {
    switch (actor.via) {
      case 'socket':
        return `${actor.executable} (${actor.pid})`
      case 'window':
        return 'the window'
      case 'client':
        return ofClient.get(actor.clientId) ?? actor.clientId
      case 'gateway':
        return 'McpMux'
    }
  }

  return (record: AuditRecord): AuditView => ({
    ...record,
    space: ofSpace.get(record.spaceId ?? '') ?? null,
    client: ofClient.get(record.clientId ?? '') ?? null,
    server: ofServer.get(record.serverId ?? '') ?? null,
    by: who(record.actor),
  })
}

const filterOf = (query: AuditQuery): AuditFilter => ({
  action: query.action,
  since: query.since,
  until: query.until,
  clientId: query.client,
  spaceId: query.space,
  serverId: query.server,
})

/** The audit trail: read in pages or as it grows, and checked. Nothing here changes it. */
export function auditRoutes(deps: Pick<AdminDeps, 'trail'> & Names) {
  const { trail } = deps
  return resource('/audit')
    .get(
      '/',
      ({ query }): AuditPage => {
        const { before = null, limit = SOME } = query
        const newest = trail.newest()
        const found = trail.list(filterOf(query), { before, limit })
        const next = found.length < limit ? null : (found.at(-1)?.seq ?? null)
        return { entries: found.map(namesIn(deps)), next, newest }
      },
      { query: AuditQuery },
    )
    .get(
      '/stream',
      async function* ({ query, request }) {
        const after = query.after ?? trail.newest()
        // The answer begins with the first event, and the first entry may be long in coming.
        yield sse({ event: 'start', data: {} })
        for await (const record of trail.follow(filterOf(query), after, request.signal))
          yield sse({ event: 'entry', data: namesIn(deps)(record) })
      },
      { query: AuditStreamQuery },
    )
    .get('/check', () => trail.check())
}
