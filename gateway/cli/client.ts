import { treaty } from '@elysiajs/eden'
import type { AdminApi } from '../admin/app'
import type { Config } from '../config'
import { type ControlFetch, createControlFetch } from '../control/connect'
import { errorCodes, type ErrorCode, GatewayError } from '../errors'

/** A failure the daemon answered with; its message is complete as it stands. */
export class RemoteError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message)
    this.name = 'RemoteError'
  }
}

const isCode = (text: unknown): text is ErrorCode => errorCodes.some((code) => code === text)

/** The problem document of a failed answer as an error to throw. */
export function toRemoteError(value: unknown): Error {
  if (value instanceof GatewayError) return value
  if (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    'message' in value &&
    isCode(value.code)
  )
    return new RemoteError(value.code, String(value.message))
  return new GatewayError('internal', undefined, { cause: value })
}

/** Typed access to the admin API of one data folder's daemon. */
export interface AdminClient {
  api: ReturnType<typeof treaty<AdminApi>>
  /** For bytes that must not be parsed. */
  fetch: ControlFetch
}

/** Connects when it is asked something: makes no connection and throws nothing by itself. */
export function createAdminClient(config: Config): AdminClient {
  const fetch = createControlFetch(config)
  const fetcher = Object.assign((input: string | URL | Request, init?: RequestInit) => fetch(input, init), {
    preconnect: () => {},
  })
  return { fetch, api: treaty<AdminApi>('http://localhost', { fetcher, parseDate: false }) }
}

/** The data of an answer, or the failure it carries as a throw. */
export async function must<T>(
  answer: Promise<{ data: T | null; error: { value: unknown } | null }>,
): Promise<T> {
  const { data, error } = await answer
  if (error) throw toRemoteError(error.value)
  return data as T
}
