import type { Feature, FeatureKind } from '../domain/feature'
import type { PinnedKind, PinReason } from '../domain/pins'

/** One feature as a client may see it. */
export interface ViewEntry {
  exposedName: string
  alias: string
  feature: Feature
  /** The descriptor with its name replaced by the exposed one; everything else byte for byte. */
  descriptor: Uint8Array
}

/** What a client would see if a person had accepted what became of it. */
export interface WithheldEntry {
  kind: PinnedKind
  alias: string
  /** '' for instructions. */
  exposedName: string
  reasons: readonly PinReason[]
}

/**
 * The features one client may use in one Space, by exposed name: an immutable snapshot and the only handle on
 * servers that the router gets. What is not in it cannot be found, so that "denied" and "does not exist" are one.
 */
export interface FeatureView {
  spaceId: string
  /** Changes whenever anything a client could notice changed. */
  version: number
  list(kind: FeatureKind): readonly ViewEntry[]
  /** Exact match only. Throws `feature.unknown` (tool, prompt, template) or `resource.unknown`. */
  find(kind: FeatureKind, exposedName: string): ViewEntry
  /** Like `find`, null instead of throwing. */
  lookup(kind: FeatureKind, exposedName: string): ViewEntry | null
  /** Exposed URI of a resource or template of this server, for rewriting what it sends on its own. */
  exposedUri(serverId: string, uri: string): string | null
  /**
   * Who answers for a concrete URI: the server of that exact resource, else of the most specific template that
   * matches. null when nobody does, the policy excludes it, or two servers have an equal claim.
   */
  route(uri: string): { serverId: string; uri: string } | null
  /** Whether any URI of this server is exposed in another form here, so that its results need rewriting. */
  rewritesUris(serverId: string): boolean
  /** Whether a feature of the server with this alias (or name, without one), known or not yet, could be in this view. */
  concerns(label: string): boolean
  /** Servers with at least one visible feature, and what they last said of themselves. */
  servers(): readonly {
    serverId: string
    alias: string
    instructions: string | null
    /** Raw JSON object. */
    capabilities: string
  }[]
  /** What is kept from this view because its pin does not hold; to be named and nothing else. */
  withheld(): readonly WithheldEntry[]
}
