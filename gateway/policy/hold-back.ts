import { isWithheld, type PinFinding, pinKey, type PinPolicy } from '../domain/pins'
import type { PreparedEntry, PreparedServer } from './prepare'

/** What pins say of the servers of a Space, as it is stored now. */
export interface PinData {
  /** What a server offers otherwise than accepted. */
  findings(serverId: string): readonly PinFinding[]
  policy(spaceId: string): PinPolicy
}

/** What no client of a Space sees before a person accepted it. */
export interface HeldBack {
  /** The servers; where instructions are held back, with those that were accepted. */
  servers: PreparedServer[]
  entries: ReadonlyMap<PreparedEntry, PinFinding>
  /** Servers whose instructions are held back, by id. */
  instructions: ReadonlyMap<string, PinFinding>
}

/** Applies the pin policy of a Space to its servers. */
export function holdBack(servers: readonly PreparedServer[], pins: PinData, spaceId: string): HeldBack {
  const policy = pins.policy(spaceId)
  const entries = new Map<PreparedEntry, PinFinding>()
  const instructions = new Map<string, PinFinding>()
  const shown = servers.map((prepared) => {
    const { id } = prepared.server
    const held = pins.findings(id).filter((finding) => isWithheld(policy, finding))
    if (held.length === 0) return { ...prepared, instructions: prepared.said }
    const byKey = new Map(held.map((finding) => [pinKey(finding.kind, finding.name), finding]))
    for (const kind of ['tool', 'prompt', 'template'] as const)
      for (const entry of prepared.entries[kind]) {
        const finding = byKey.get(pinKey(kind, entry.plain.feature.name))
        if (finding) entries.set(entry, finding)
      }
    const other = byKey.get(pinKey('instructions', ''))
    if (other) instructions.set(id, other)
    return { ...prepared, instructions: other ? other.accepted || null : prepared.said }
  })
  return { servers: shown, entries, instructions }
}
