// The one way from here to what servers and their authorization servers publish: metadata, registrations, tokens.
import { GatewayError } from '../errors'
import { createFetchWhole } from '../net/fetch-whole'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'

/** What is sent; of `fetch` and of oauth4webapi's `customFetch` as much as is used. */
export interface OAuthRequest {
  method?: string
  headers?: Readonly<Record<string, string>>
  body?: string | URLSearchParams | Uint8Array | null
  signal?: AbortSignal
}

/**
 * Fetches an address a server or a document named. The answer is whole when it is there. Only a GET follows redirects,
 * and those to its own origin alone: what carries a code, a token or a secret goes to the address it was meant for.
 * Rejects with a GatewayError `net.*`, or with the signal's reason.
 */
export type OAuthFetch = (url: string | URL, request?: OAuthRequest) => Promise<Response>

const MOST_BYTES = 1024 * 1024
const TOTAL_MS = 10_000

const asBytes = (body: OAuthRequest['body']): Uint8Array | undefined =>
  body === undefined || body === null
    ? undefined
    : typeof body === 'string' || body instanceof URLSearchParams
      ? new TextEncoder().encode(String(body))
      : body

/** For one server: `typedUrl` is its configured address, and decides what may be reached (`found` trust). */
export function createOAuthFetch(deps: {
  safeFetch: SafeFetch
  runtime: Pick<Runtime, 'sleep'>
}): (typedUrl: string) => OAuthFetch {
  const fetchWhole = createFetchWhole(deps)
  return (typedUrl) =>
    async (url, { method = 'GET', headers, body, signal } = {}) => {
      if (method !== 'GET' && method !== 'POST' && method !== 'DELETE')
        throw new GatewayError('net.blocked', 'no such request is made')
      const answer = await fetchWhole(new URL(url), {
        trust: { kind: 'found', typedUrl },
        method,
        headers: { accept: 'application/json', ...headers },
        body: asBytes(body),
        signal,
        redirects: method === 'GET' ? 'same-origin' : 'refuse',
        maxBytes: MOST_BYTES,
        totalMs: TOTAL_MS,
      })
      if (answer.status < 200 || answer.status > 599)
        throw new GatewayError('net.failed', 'its answer is not HTTP')
      const plain = new Headers(answer.headers)
      for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) plain.delete(name)
      // A status that has no body may not be given one, not even an empty one.
      return new Response(answer.body.length > 0 ? new Uint8Array(answer.body) : null, {
        status: answer.status,
        headers: plain,
      })
    }
}
