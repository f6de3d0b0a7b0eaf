import type { Server } from '../domain/server'
import type { VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import { openEnvelope, type SealingKey } from '../secrets/envelope'
import { openExport } from '../secrets/export-file'
import { Secret } from '../secrets/secret'
import type { AdminDeps } from './deps'
import { nameIn, type SealedValue } from './sealed-value'
import { definitionDigest, type ExportBody, type ExportedValue } from './vault-export'
import { type VaultView, vaultView } from './vault-view'

/** What came of an import. */
export interface ImportView extends VaultView {
  /** The vault was locked and is open now, with the key of the export. Nothing else was done then. */
  recovered: boolean
  /** Values that were set. */
  set: number
  /** Values that were here already. */
  same: number
  /** Values that are here and differ. As long as nobody said that they may be replaced, nothing was changed. */
  differ: SealedValue[]
  /** Values that belong to nothing here, by whose they are there, and why. */
  unmatched: (SealedValue & { why: string })[]
}

interface Wanted {
  table: string
  columns: ExportedValue['columns']
  place: { table: string; column: string; row: string; space: string }
  value: Secret | null
  spaceId: string
  server: Server | null
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

function parseBody(text: string): ExportBody {
  try {
    const body = JSON.parse(text) as Partial<ExportBody>
    const { servers, spaces, rows } = body
    if (Array.isArray(servers) && Array.isArray(spaces) && Array.isArray(rows))
      return { servers, spaces, rows }
  } catch {
    // It says the same as one of another shape.
  }
  throw new GatewayError('vault.export_broken')
}

/** Finds out whose the values of an export are here. */
function createMatch({ servers, spaces, exportedRows }: AdminDeps, body: ExportBody, dataKey: SealingKey) {
  const nameOf = (spaceId: unknown) => body.spaces.find(({ id }) => id === spaceId)?.name ?? null
  const spaceFor = (spaceId: unknown) =>
    spaces.list().find(({ id }) => id === spaceId) ??
    spaces.list().find(({ name }) => isSame(name, nameOf(spaceId) ?? ''))

  function serverFor(serverId: unknown): Server | string {
    const known = servers.list().find(({ id }) => id === serverId)
    if (known) return known
    const there = body.servers.find(({ id }) => id === serverId)
    const space = there && spaceFor(there.spaceId)
    const named = space && servers.list(space.id).find(({ name }) => isSame(name, there.name))
    if (!there || !named) return 'there is no such server'
    return definitionDigest(named) === there.digest ? named : 'the server of this name is defined otherwise'
  }

  function valueOf({ place, envelope }: ExportedValue): Secret | string | null {
    if (envelope === null) return null
    const bytes = openEnvelope(dataKey, place, Buffer.from(envelope, 'base64'))
    if (!bytes) return 'it could not be read where it comes from'
    try {
      return new Secret(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
    } finally {
      bytes.fill(0)
    }
  }

  return {
    named({ table, columns }: ExportedValue): SealedValue {
      const server = body.servers.find(({ id }) => id === columns.server_id)
      const space = nameOf(columns.space_id)
      return { table, server: server?.name ?? null, space, name: nameIn(columns) }
    },
    /** Where a value belongs here, or why nowhere. */
    find(row: ExportedValue): Wanted | string {
      const hasServer = row.columns.server_id !== undefined
      const server = hasServer ? serverFor(row.columns.server_id) : null
      if (typeof server === 'string') return server
      const spaceId = server?.spaceId ?? spaceFor(row.columns.space_id)?.id
      if (spaceId === undefined) return 'there is no such Space'
      const input = row.table === 'credentials' ? row.columns.name : undefined
      if (server && input !== undefined && !server.inputs.some(({ id, secret }) => secret && id === input))
        return 'the server asks for no such secret'
      const columns = { ...row.columns, space_id: spaceId, ...(server ? { server_id: server.id } : {}) }
      const place = exportedRows.placeOf({ table: row.table, columns })
      if (!place) return 'this version does not know it'
      const value = valueOf(row)
      if (typeof value === 'string') return value
      return { table: row.table, columns, place, value, spaceId, server }
    },
  }
}

/** What is stored of it here: nothing, this very value, or another one. */
function compare({ exportedRows, vault }: AdminDeps, wanted: Wanted): 'absent' | 'same' | 'other' {
  const stored = exportedRows.stored(wanted)
  if (!stored) return 'absent'
  const opened = stored.envelope && vault.open(stored.place, stored.envelope)
  return (opened?.reveal() ?? null) === (wanted.value?.reveal() ?? null) && (opened || !stored.envelope)
    ? 'same'
    : 'other'
}

function store({ exportedRows, vault, db }: AdminDeps, all: readonly Wanted[]): void {
  db.transaction(() => {
    for (const wanted of all) exportedRows.put(wanted, wanted.value && vault.seal(wanted.place, wanted.value))
  })
}

function tell({ events, logins, servers }: AdminDeps, all: readonly Wanted[]): void {
  const touched = servers
    .list()
    .filter(({ id, spaceId }) =>
      all.some(({ server, spaceId: of }) => (server ? server.id === id : of === spaceId)),
    )
  for (const { id: serverId, spaceId } of touched) {
    events.emit('server.changed', { spaceId, serverId })
    // The tokens in use are kept in memory, so that nobody would look at what was stored.
    if (all.some(({ table, server }) => table === 'oauth_tokens' && server?.id === serverId))
      logins.reread({ id: serverId, spaceId })
    else events.emit('authorization.changed', { spaceId, serverId })
  }
}

/**
 * Opens a locked vault with the key of an export; into an open one it brings the values. All of them or none: what
 * differs is replaced only where that was asked for. Throws as `openExport`, `Vault.recover` and `Vault.requireOpen`.
 */
export async function importVault(
  deps: AdminDeps,
  request: Request,
  given: { file: string; passphrase: string; place?: VaultPlace; replace?: boolean },
): Promise<ImportView> {
  const { vault, record } = deps
  const passphrase = new Secret(given.passphrase)
  using opened = await openExport(given.file, passphrase)
  const nothing = { recovered: false, set: 0, same: 0, differ: [], unmatched: [] }
  if (vault.state().status === 'locked') {
    await vault.recover(opened.dataKey, given.place ?? 'keychain', passphrase)
    record(request, { action: 'vault.imported', subject: 'key' })
    return { ...vaultView(deps), ...nothing, recovered: true }
  }
  vault.requireOpen()
  const body = parseBody(opened.body)
  const match = createMatch(deps, body, opened.dataKey)
  const found = body.rows.map((row) => ({ row, wanted: match.find(row) }))
  const unmatched = found.flatMap(({ row, wanted }) =>
    typeof wanted === 'string' ? [{ ...match.named(row), why: wanted }] : [],
  )
  const matched = found.flatMap(({ row, wanted }) =>
    typeof wanted === 'string' ? [] : [{ row, wanted, is: compare(deps, wanted) }],
  )
  const same = matched.filter(({ is }) => is === 'same').length
  const differ = matched.filter(({ is }) => is === 'other').map(({ row }) => match.named(row))
  if (differ.length > 0 && !given.replace) return { ...vaultView(deps), ...nothing, same, differ, unmatched }
  const all = matched.filter(({ is }) => is !== 'same').map(({ wanted }) => wanted)
  store(deps, all)
  tell(deps, all)
  const detail = { set: all.length, replaced: differ.length, unmatched: unmatched.length }
  record(request, { action: 'vault.imported', subject: 'values', detail })
  return { ...vaultView(deps), ...nothing, set: all.length, same, differ, unmatched }
}
