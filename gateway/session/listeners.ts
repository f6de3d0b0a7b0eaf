import type { FeatureView } from '../policy/feature-view'
import { insertMembers } from '../wire/insert'
import { member } from '../wire/members'
import { scanMessage } from '../wire/scan'
import { splice } from '../wire/splice'
import type { ChangedList } from './sessions'

/** What a stream of `subscriptions/listen` is to carry (MCP 2026-07-28, subscriptions). */
export interface ListenFilter {
  lists: readonly ChangedList[]
  /** Whether it listens to resources; to which is the servers' business. */
  resources: boolean
}

/** Whoever is told of changes outside calls: a session, or a stream that was opened for that. */
export interface Audience {
  readonly facts: { readonly clientId: string; readonly label: string }
  /** What it was last told about. */
  told: FeatureView | null
  /** `key` says what kind of change it is; null for what is no change. */
  tell(message: Uint8Array, key: string | null): void
}

/** One open stream of changes of a client without a session. */
export interface Listener extends Audience {
  readonly facts: { readonly clientId: string; readonly credentialId: string; readonly label: string }
  /** Epoch milliseconds at which its key stops counting. */
  readonly until: number | null
  /** Ends it; `graceful` with a response. */
  end(graceful: boolean): void
}

/** The open ones, by label. */
export type Listeners = Map<string, Listener>

/** Whether a change of this kind was asked for. `updated …` are resources. */
export const wants = (filter: ListenFilter, key: string | null): boolean =>
  key !== null && (key.startsWith('updated ') ? filter.resources : filter.lists.some((list) => list === key))

/** A notification with the id of the stream it is sent on. */
export function tagged(message: Uint8Array, idToken: string): Uint8Array {
  const { bytes, params } = scanMessage(message)
  const tag = `"io.modelcontextprotocol/subscriptionId":${idToken}`
  const meta = params && member(bytes, params, '_meta')
  if (meta) return splice(bytes, [insertMembers(bytes, meta, tag)])
  if (params) return splice(bytes, [insertMembers(bytes, params, `"_meta":{${tag}}`)])
  const whole = { start: bytes.indexOf(0x7b), end: bytes.length }
  return splice(bytes, [insertMembers(bytes, whole, `"params":{"_meta":{${tag}}}`)])
}
