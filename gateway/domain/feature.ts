export type FeatureKind = 'tool' | 'prompt' | 'resource' | 'template'

export const featureKinds: readonly FeatureKind[] = ['tool', 'prompt', 'resource', 'template']

/** What a server claims a tool does (MCP 2025-11-25, `ToolAnnotations`). */
export interface Hints {
  readOnly: boolean
  destructive: boolean
  idempotent: boolean
  openWorld: boolean
}

/** What rights may go by of what a server says of its tool. */
export interface FeaturePin {
  /** null for a tool that states none. */
  hints: Hints | null
  /** A person looked at the tool as it is and let it through; false when it was only seen first. */
  acceptedByPerson: boolean
}

/** One tool, prompt, resource or resource template of one Server, as the Server itself described it. */
export interface Feature {
  serverId: string
  kind: FeatureKind
  /** Original name: a tool's or prompt's `name`, a resource's `uri`, a template's `uriTemplate`. */
  name: string
  /** The upstream's own JSON object, byte for byte. */
  descriptor: string
  /** Place in the upstream's own list. */
  position: number
  /** Epoch milliseconds of the first list that had it. Between two servers without a prefix the older name stays. */
  firstSeenAt?: number
  /** null, or absent outside the catalog, for kinds without hints. */
  pin?: FeaturePin | null
}

/** What a server said of itself when it was last connected; kept so that nothing depends on the moment. */
export interface Handshake {
  protocolVersion: string
  /** Raw JSON objects of the initialize result. */
  capabilities: string
  serverInfo: string
  instructions: string | null
  /** Epoch milliseconds of the last complete discovery. */
  refreshedAt: number
}

/** Everything known of one server's features. */
export interface ServerCatalog {
  serverId: string
  handshake: Handshake | null
  features: readonly Feature[]
}
