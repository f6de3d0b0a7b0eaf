import type { Member, Preset } from './policy'

/** Names presets have in every Space; nobody else's set can have them. In the order they are shown. */
export const presetNames: Readonly<Record<Preset, string>> = {
  all: 'All',
  'read-only': 'Read only',
  'no-destructive': 'No destructive',
  lean: 'Lean',
}

export const presets = Object.keys(presetNames) as Preset[]

const include = (target: Member['target']): Member => ({ mode: 'include', target })

/** Prompts, resources and templates are there to be read: no call of them is meant to change anything. */
export const readable: readonly Member[] = (['prompt', 'resource', 'template'] as const).map((kind) =>
  include({ type: 'pattern', pattern: '*', kind }),
)

/** What presets consist of that cannot be edited; *Lean* is what is stored of it. */
export const fixedMembers: Readonly<Record<Exclude<Preset, 'lean'>, readonly Member[]>> = {
  all: [include({ type: 'all' })],
  'read-only': [include({ type: 'hint', hint: 'readOnly', is: true }), ...readable],
  'no-destructive': [include({ type: 'hint', hint: 'destructive', is: false }), ...readable],
}
