// What the audit trail is made of: who did what, to what, and when. Never a payload, an argument, a result or a secret.

/** Everything that is recorded. The part before the dot is what `mcpmux audit --action key.*` chooses by. */
export const auditActions = [
  'key.created',
  'key.rotated',
  'key.revoked',
  'key.changed',
  'key.expired',
  'client.created',
  'client.changed',
  'client.placed',
  'client.removed',
  'grant.given',
  'grant.withdrawn',
  'signin.requested',
  'signin.approved',
  'signin.denied',
  'signin.refused',
  'signin.revoked',
  'login.begun',
  'login.done',
  'login.failed',
  'logout.done',
  'consent.given',
  'consent.withdrawn',
  'pins.changed',
  'pins.accepted',
  'policy.changed',
  'space.created',
  'space.changed',
  'space.used',
  'space.removed',
  'secret.set',
  'secret.removed',
  'set.created',
  'set.changed',
  'set.removed',
  'server.added',
  'server.changed',
  'server.removed',
  'server.values',
  'server.spawned',
  'server.restarted',
  'server.stopped',
  'vault.unlocked',
  'vault.moved',
  'vault.reset',
  'vault.rotated',
  'vault.exported',
  'vault.imported',
  'setting.changed',
  'call.made',
  'call.refused',
  'auth.failed',
  'request.refused',
  'gateway.started',
  'gateway.stopped',
  'audit.lost',
] as const
export type AuditAction = (typeof auditActions)[number]

/** Who did it, as the door says that let them in: never what they say of themselves. */
export type Actor =
  /** A process of the same user at the control socket. */
  | { via: 'socket'; pid: number; executable: string }
  /** Whoever holds the token of the admin listener. */
  | { via: 'window' }
  /** An AI client; without a credential when it could not be told which. */
  | { via: 'client'; clientId: string; credentialId: string | null }
  /** The gateway by itself, or nobody it knows. */
  | { via: 'gateway' }

export const byGateway: Actor = { via: 'gateway' }

export interface AuditEntry {
  action: AuditAction
  actor: Actor
  spaceId?: string
  /** The client it is about. */
  clientId?: string
  serverId?: string
  /** What it is about, in a word a person knows: names last longer than what they name. */
  subject?: string
  /** Small facts. Values of text are cut at 200 characters. */
  detail?: Readonly<Record<string, string | number | boolean>>
}

/** Takes entries. Never throws, and what is not urgent never waits for the disk. */
export interface Audit {
  record(entry: AuditEntry): void
}

/** An entry with its time; `count` of the same kind happened from `at` to `until` (epoch milliseconds). */
export interface AuditRow extends AuditEntry {
  at: number
  until: number
  count: number
}

/** An entry as it is kept. Numbers have no gap; an action may be one of another version. */
export interface AuditRecord extends Omit<AuditRow, 'action'> {
  seq: number
  action: string
}

/** Which entries are wanted. */
export interface AuditFilter {
  /** An action, or the beginning of one and a star: `key.*`. */
  action?: string | undefined
  /** Epoch milliseconds. */
  since?: number | undefined
  until?: number | undefined
  /** The client it is about, or that did it. */
  clientId?: string | undefined
  spaceId?: string | undefined
  serverId?: string | undefined
}

/**
 * What comes in floods, or from whoever likes: it is counted by the minute, and written when the minute is over. The
 * rest is written when it happens.
 */
export const countedActions: ReadonlySet<AuditAction> = new Set([
  'call.refused',
  'auth.failed',
  'request.refused',
])
/** What happens on the way of a call: it is written a moment later. */
export const deferredActions: ReadonlySet<AuditAction> = new Set(['server.spawned'])
