import type { AuditEntry } from '../domain/audit'
import { isWithheld, type PinFinding, type PinPolicy, reasonWords } from '../domain/pins'
import type { Server } from '../domain/server'
import { visibleText } from '../domain/visible-text'
import type { OfferedDefinition, PinStore } from '../store/pins'
import { compare, digestOf, hidesSomething } from './compare'

/** Something about the definitions of a server that was not so before. */
export interface Noticed {
  kind: PinFinding['kind']
  name: string
  /** `changed` differs from what was accepted, `added` came later and is pinned, `restored` is as accepted again. */
  what: 'changed' | 'added' | 'restored'
  reasons: PinFinding['reasons']
  withheld: boolean
}

/** What is wrong with a definition on offer; null when it is the accepted one, however it is written. */
export function judge({ kind, name, current, pin }: OfferedDefinition): PinFinding | null {
  const accepted = pin?.accepted ?? null
  const reasons =
    accepted === null
      ? [...(hidesSomething(kind, current) ? (['hidden_text'] as const) : []), 'new' as const]
      : compare(kind, accepted, current)
  if (reasons.length === 0) return null
  return { kind, name, accepted, current, reasons, since: pin?.change?.since ?? pin?.at ?? 0 }
}

/**
 * Holds what a server offers against its pins. What was never there is pinned as it is, unless it hides text, or comes
 * later to a Space that is strict. Gives what was not noticed before.
 */
export function takeNotice(store: PinStore, serverId: string, policy: PinPolicy): Noticed[] {
  const known = store.knows(serverId)
  const noticed: Noticed[] = []
  for (const definition of store.differing(serverId)) {
    const { kind, name, current, pin } = definition
    const digest = digestOf(kind, current)
    const finding = judge(definition)
    if (!finding) {
      // The same in another spelling: what is sent is what is kept.
      store.put(serverId, { kind, name, accepted: current, digest, acceptedBy: pin?.acceptedBy ?? null })
      continue
    }
    const first = pin === null
    if (first && !finding.reasons.includes('hidden_text') && !(known && policy === 'strict')) {
      store.put(serverId, { kind, name, accepted: current, digest, acceptedBy: null })
      if (known) noticed.push({ kind, name, what: 'added', reasons: finding.reasons, withheld: false })
      continue
    }
    if (first) store.put(serverId, { kind, name, accepted: null, digest: null, acceptedBy: null })
    if (pin?.change?.digest === digest) continue
    store.notice(serverId, kind, name, digest)
    const withheld = isWithheld(policy, finding)
    noticed.push({ kind, name, what: 'changed', reasons: finding.reasons, withheld })
  }
  for (const { kind, name } of store.settled(serverId)) {
    store.notice(serverId, kind, name, null)
    noticed.push({ kind, name, what: 'restored', reasons: [], withheld: false })
  }
  return noticed
}

/** One change as the audit trail has it. */
export const pinsEntry = (
  { id, spaceId, name: subject }: Pick<Server, 'id' | 'spaceId' | 'name'>,
  { kind, name, what, reasons, withheld }: Noticed,
): Omit<AuditEntry, 'action' | 'actor'> => ({
  serverId: id,
  spaceId,
  subject,
  detail: { kind, name: visibleText(name), what, why: reasons.join(', '), withheld },
})

/** `tool "echo" has hidden text; withheld until it is accepted`: one line for a log. */
export function noticedLine({ kind, name, what, reasons, withheld }: Noticed): string {
  const subject = kind === 'instructions' ? 'instructions' : `${kind} "${visibleText(name)}"`
  if (what === 'added') return `${subject} is new, and pinned as it is`
  if (what === 'restored') return `${subject} is again as it was accepted`
  const words = kind === 'instructions' ? reasonWords(reasons) : `${subject} ${reasonWords(reasons)}`
  return `${words}; ${withheld ? 'withheld until it is accepted' : 'let through'}`
}
