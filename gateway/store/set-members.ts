import type { FeatureKind } from '../domain/feature'
import type { Member, MemberTarget } from '../domain/policy'
import { GatewayError } from '../errors'
import type { Database } from './database'

/** How many Feature Sets may be nested in each other. */
const MAX_DEPTH = 32

interface Row {
  set_id: string
  mode: string
  type: MemberTarget['type']
  server_id: string | null
  kind: FeatureKind | null
  name: string | null
  pattern: string | null
  member_set_id: string | null
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
      (set_id, space_id, position, mode, type, server_id, kind, name, pattern, member_set_id)
    VALUES ($setId, $spaceId, $position, $mode, $type, $serverId, $kind, $name, $pattern, $memberSetId)`)
  const server = db.statement('SELECT 1 FROM servers WHERE id = $id AND space_id = $spaceId')
  const set = db.statement('SELECT 1 FROM feature_sets WHERE id = $id AND space_id = $spaceId')

  const toMember = (row: Row): Member | null => {
    const target = targetOf(row)
    if (target && (row.mode === 'include' || row.mode === 'exclude')) return { mode: row.mode, target }
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
    /** Call within a transaction. Throws `set.cycle`, `server.unknown`, `set.unknown`, `input.invalid`. */
    write(setId: string, spaceId: string, members: readonly Member[]): void {
      clear.run({ setId })
      for (const [position, member] of members.entries()) {
        check(spaceId, member)
        insert.run({ setId, spaceId, position, mode: member.mode, ...columnsOf(member.target) })
      }
      checkNesting(spaceId)
    },
  }
}

const columnsOf = (target: MemberTarget) => ({
  type: target.type,
  serverId: 'serverId' in target ? target.serverId : null,
  kind: target.type === 'feature' ? target.kind : null,
  name: target.type === 'feature' ? target.name : null,
  pattern: target.type === 'pattern' ? target.pattern : null,
  memberSetId: target.type === 'set' ? target.setId : null,
})

function targetOf(row: Row): MemberTarget | null {
  if (row.type === 'all') return { type: 'all' }
  if (row.type === 'server' && row.server_id !== null) return { type: 'server', serverId: row.server_id }
  if (row.type === 'feature' && row.server_id !== null && row.kind !== null && row.name !== null)
    return { type: 'feature', serverId: row.server_id, kind: row.kind, name: row.name }
  if (row.type === 'pattern' && row.pattern !== null) return { type: 'pattern', pattern: row.pattern }
  if (row.type === 'set' && row.member_set_id !== null) return { type: 'set', setId: row.member_set_id }
  return null
}
