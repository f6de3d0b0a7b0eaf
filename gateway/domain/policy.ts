import type { FeatureKind } from './feature'

/** What a member of a Feature Set points at. Names are `alias/original name`, never exposed names. */
export type MemberTarget =
  | { type: 'all' }
  | { type: 'server'; serverId: string }
  | { type: 'feature'; serverId: string; kind: FeatureKind; name: string }
  /** `*` matches any run of characters in `alias/original name`. */
  | { type: 'pattern'; pattern: string }
  | { type: 'set'; setId: string }

export interface Member {
  mode: 'include' | 'exclude'
  target: MemberTarget
}

/** A named bundle of includes and excludes in one Space. */
export interface FeatureSet {
  id: string
  spaceId: string
  name: string
  members: readonly Member[]
  createdAt: number
}

/** (Client, Space, Feature set): the only source of what a client may use. */
export interface Grant {
  clientId: string
  spaceId: string
  setId: string
}
