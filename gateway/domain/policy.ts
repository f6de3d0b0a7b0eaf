import type { FeatureKind, Hints } from './feature'

/** What a member of a Feature Set points at. Names are `alias/original name`, never exposed names. */
export type MemberTarget =
  | { type: 'all' }
  | { type: 'server'; serverId: string }
  | { type: 'feature'; serverId: string; kind: FeatureKind; name: string }
  /** `*` matches any run of characters in `alias/original name`. Without `kind`, features of every kind. */
  | { type: 'pattern'; pattern: string; kind?: FeatureKind }
  /** Tools whose hint is, or is not, so. It says nothing of prompts, resources and templates. */
  | { type: 'hint'; hint: keyof Hints; is: boolean }
  | { type: 'set'; setId: string }
  | GoneTarget

/**
 * A server, or one feature of it, that was removed: the rule stays until a person decides. To include it means nothing,
 * not even for another server of that alias. To exclude it holds for one, because removing a server must not widen a
 * set.
 */
export interface GoneTarget {
  type: 'gone'
  /** The alias and name the server had last. */
  alias: string
  server: string
  /** null when it was about the whole server. */
  feature: { kind: FeatureKind; name: string } | null
}

export interface Member {
  mode: 'include' | 'exclude'
  target: MemberTarget
  /** Chosen for *Lean* by the gateway; choosing anew replaces it, and keeps what a person added. */
  filled?: true
}

/** A named bundle of includes and excludes in one Space. */
export interface FeatureSet {
  id: string
  spaceId: string
  name: string
  /** Which of those every Space comes with; null for a person's own. */
  preset: Preset | null
  members: readonly Member[]
  createdAt: number
  /** Epoch milliseconds of when *Lean* was filled last; null when it never was, and for every other set. */
  filledAt: number | null
}

/** Feature Sets every Space has. */
export type Preset = 'all' | 'read-only' | 'no-destructive' | 'lean'

/** (Client, Space, Feature set): the only source of what a client may use. */
export interface Grant {
  clientId: string
  spaceId: string
  setId: string
}
