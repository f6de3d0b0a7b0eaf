import { featureKinds, type FeatureKind } from '../domain/feature'
import { hintNames } from '../domain/hints'
import type { Member, MemberTarget } from '../domain/policy'
import { GatewayError } from '../errors'
import type { Database } from './database'

/** How many Feature Sets may be nested in each other. */
const MAX_DEPTH = 32

interface Row {
  set_id: string
  mode: string
  type: Exclude<MemberTarget['type'], 'gone'>
  server_id: string | null
  gone_alias: string | null
  gone_name: string | null
  kind: FeatureKind | null
  name: string | null
  pattern: string | null
  hint: string | null
  hint_is: number | null
  member_set_id: string | null
  filled: number
}

/** Members of Feature Sets: rows to domain types and back, and the rules for nesting. */
export function createSetMembers(db: Database) {
  const ofSet = db.statement<Row>('SELECT * FROM set_members WHERE set_id = $setId ORDER BY position')
  const ofSpace = db.statement<Row>(
    'SELECT * FROM set_members WHERE space_id = $spaceId ORDER BY set_id, position',
  )
  const clear = db.statement('DELETE FROM set_members WHERE set_id = $setId')
  const insert = db.statement(`
    INSERT INTO set_members
      (set_id, space_id, position, mode, type, server_id, gone_alias, gone_name, kind, name, pattern, hint, hint_is,
      member_set_id, filled)
    VALUES ($setId, $spaceId, $position, $mode, $type, $serverId, $goneAlias, $goneName, $kind, $name, $pattern, $hint,
      $hintIs, $memberSetId, $filled)`)
  const server = db.statement('SELECT 1 FROM servers WHERE id = $id AND space_id = $spaceId')
  const set = db.statement('SELECT 1 FROM feature_sets WHERE id = $id AND space_id = $spaceId')

  const toMember = (row: Row): Member | null => {
    const target = targetOf(row)
    if (target && (row.mode === 'include' || row.mode === 'exclude'))
      return { mode: row.mode, target, ...(row.filled === 1 ? { filled: true } : {}) }
    db.report({ table: 'set_members', id: row.set_id, what: 'a member cannot be read' })
    // What cannot be read must not widen the set.
    return row.mode === 'include' ? null : { mode: 'exclude', target: { type: 'all' } }
  }

  const toMembers = (rows: readonly Row[]): Member[] => rows.flatMap((row) => toMember(row) ?? [])

  const check = (spaceId: string, { target }: Member) => {
    if ('serverId' in target && !server.get({ id: target.serverId, spaceId }))
      throw new GatewayError('server.unknown')
    if (target.type === 'set' && !set.get({ id: target.setId, spaceId }))
      throw new GatewayError('set.unknown')
    if (target.type === 'pattern' && !target.pattern)
      throw new GatewayError('input.invalid', 'an empty pattern')
  }

  const checkNesting = (spaceId: string) => {
    const heights = new Map<string, number>()
    const entered = new Set<string>()
    const nested = Map.groupBy(
      ofSpace.all({ spaceId }).filter((row) => row.member_set_id !== null),
      (row) => row.set_id,
    )
    const heightOf = (setId: string): number => {
      const known = heights.get(setId)
      if (known !== undefined) return known
      if (entered.has(setId)) throw new GatewayError('set.cycle')
      entered.add(setId)
      const height =
        1 + Math.max(0, ...(nested.get(setId) ?? []).map((row) => heightOf(row.member_set_id ?? '')))
      if (height > MAX_DEPTH)
        throw new GatewayError('set.cycle', `more than ${MAX_DEPTH} sets inside each other`)
      heights.set(setId, height)
      return height
    }
    for (const setId of nested.keys()) heightOf(setId)
  }

  return {
    of: (setId: string): Member[] => toMembers(ofSet.all({ setId })),
    bySet: (spaceId: string): Map<string, Member[]> =>
      new Map(
        [...Map.groupBy(ofSpace.all({ spaceId }), (row) => row.set_id)].map(([id, r]) => [id, toMembers(r)]),
      ),
    /** Whether the set, or one it includes, has an exclude. */
    excludesAny(setId: string, spaceId: string): boolean {
      const rows = Map.groupBy(ofSpace.all({ spaceId }), (row) => row.set_id)
      const reached = new Set([setId])
      for (const id of reached)
        for (const { mode, member_set_id: inner } of rows.get(id) ?? []) {
          if (mode !== 'include') return true
          if (inner !== null) reached.add(inner)
        }
      return false
    },
    /** Call within a transaction. Throws `set.cycle`, `server.unknown`, `set.unknown`, `input.invalid`. */
    write(setId: string, spaceId: string, members: readonly Member[]): void {
      clear.run({ setId })
      for (const [position, member] of members.entries()) {
        check(spaceId, member)
        const filled = Number(member.filled ?? false)
        insert.run({ setId, spaceId, position, mode: member.mode, filled, ...columnsOf(member.target) })
      }
      checkNesting(spaceId)
    },
  }
}

function columnsOf(target: MemberTarget) {
  const feature = target.type === 'feature' ? target : target.type === 'gone' ? target.feature : null
  const gone = target.type === 'gone' ? target : null
  return {
    type: gone ? (gone.feature ? 'feature' : 'server') : target.type,
    serverId: 'serverId' in target ? target.serverId : null,
    goneAlias: gone?.alias ?? null,
    goneName: gone?.server ?? null,
    kind: target.type === 'pattern' ? (target.kind ?? null) : (feature?.kind ?? null),
    name: feature?.name ?? null,
    pattern: target.type === 'pattern' ? target.pattern : null,
    hint: target.type === 'hint' ? target.hint : null,
    hintIs: target.type === 'hint' ? Number(target.is) : null,
    memberSetId: target.type === 'set' ? target.setId : null,
  }
}

function targetOf(row: Row): MemberTarget | null {
  switch (row.type) {
    case 'all':
      return { type: 'all' }
    case 'server':
    case 'feature':
      return serverTarget(row)
    case 'pattern': {
      if (row.pattern === null || (row.kind !== null && !featureKinds.includes(row.kind))) return null
      return { type: 'pattern', pattern: row.pattern, ...(row.kind === null ? {} : { kind: row.kind }) }
    }
    case 'hint': {
      const hint = hintNames.find((name) => name === row.hint)
      return hint && row.hint_is !== null ? { type: 'hint', hint, is: row.hint_is === 1 } : null
    }
    case 'set':
      return row.member_set_id === null ? null : { type: 'set', setId: row.member_set_id }
    default:
      return null
  }
}

function serverTarget({
  type,
  server_id: serverId,
  gone_alias: alias,
  gone_name: server,
  kind,
  name,
}: Row): MemberTarget | null {
  const feature = kind !== null && name !== null ? { kind, name } : null
  if (type === 'feature' && !feature) return null
  if (serverId !== null)
    return feature ? { type: 'feature', serverId, ...feature } : { type: 'server', serverId }
  return alias !== null && server !== null ? { type: 'gone', alias, server, feature } : null
}
