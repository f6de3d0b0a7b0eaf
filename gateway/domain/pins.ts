/** What is held against what a person accepted, or the gateway saw first. Resources change by nature and are not. */
export const pinnedKinds = ['tool', 'prompt', 'template', 'instructions'] as const

export type PinnedKind = (typeof pinnedKinds)[number]

/** What happens to a definition that is not the accepted one; chosen for each Space. */
export const pinPolicies = ['guard', 'strict', 'off'] as const

export type PinPolicy = (typeof pinPolicies)[number]

/** What is wrong with a definition, in the order of its weight. */
export const pinReasons = [
  'hidden_text',
  'weaker_hints',
  'required_added',
  'instructions',
  'new',
  'other',
] as const

export type PinReason = (typeof pinReasons)[number]

/** A definition a server offers now that is not the accepted one. */
export interface PinFinding {
  kind: PinnedKind
  /** Original name; '' for instructions. */
  name: string
  /** The accepted text (a descriptor, or the instructions); null when nothing of this name was accepted yet. */
  accepted: string | null
  /** What the server offers now. */
  current: string
  /** Never empty. */
  reasons: readonly PinReason[]
  /** Epoch milliseconds of the first time this was seen. */
  since: number
}

/** One key for a kind and a name. */
export const pinKey = (kind: PinnedKind | 'resource', name: string): string => `${kind} ${name}`

/** What *guard* holds back; the rest it notes and lets through. */
const grave: ReadonlySet<PinReason> = new Set([
  'hidden_text',
  'weaker_hints',
  'required_added',
  'instructions',
])

/** Whether clients are to see nothing of it until a person accepts it. */
export function isWithheld(policy: PinPolicy, { reasons }: Pick<PinFinding, 'reasons'>): boolean {
  if (policy === 'off') return false
  return policy === 'strict' || reasons.some((reason) => grave.has(reason))
}

const inWords: Record<PinReason, string> = {
  hidden_text: 'has hidden text',
  weaker_hints: 'promises less of itself',
  required_added: 'requires another argument',
  instructions: 'instructions changed',
  new: 'was not there before',
  other: 'changed',
}

/** The reasons for a person: `has hidden text, requires another argument`. */
export const reasonWords = (reasons: readonly PinReason[]): string =>
  reasons.map((reason) => inWords[reason]).join(', ')
