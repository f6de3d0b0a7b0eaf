import type { ErrorCode } from '../errors'

/** The live side of a Server, one to one with the words a person sees. Times are epoch milliseconds. */
export type UpstreamState =
  | { status: 'disabled' | 'needs_input' | 'needs_consent' | 'locked' | 'idle' }
  | { status: 'connecting'; since: number }
  | { status: 'ready'; since: number; protocolVersion: string }
  | { status: 'needs_authorization'; authorizeUrl: string | null }
  | { status: 'failed'; code: ErrorCode; message: string; retryAt: number | null }
