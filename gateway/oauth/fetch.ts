// The one way from here to what servers and their authorization servers publish: metadata, registrations, tokens.
import { GatewayError } from '../errors'
import { readBody } from '../net/body'
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
  const { safeFetch, runtime } = deps
  return (typedUrl) =>
    async (url, { method = 'GET', headers, body, signal } = {}) => {
      if (method !== 'GET' && method !== 'POST' && method !== 'DELETE')
        throw new GatewayError('net.blocked', 'no such request is made')
      const late = new AbortController()
      const done = new AbortController()
      runtime.sleep(TOTAL_MS, done.signal).then(
        () => late.abort(new GatewayError('net.failed', 'the answer took too long')),
        () => undefined,
      )
      try {
        const response = await safeFetch(new URL(url), {
          trust: { kind: 'found', typedUrl },
          method,
          headers: { accept: 'application/json', ...headers },
          body: asBytes(body),
          signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
          redirects: method === 'GET' ? 'same-origin' : 'refuse',
          connectTimeout: TOTAL_MS,
          idleTimeout: TOTAL_MS,
        })
        if (response.status < 200 || response.status > 599)
          throw new GatewayError('net.failed', 'its answer is not HTTP')
        const bytes = await readBody(response, MOST_BYTES)
        const plain = new Headers(response.headers)
        for (const name of ['content-encoding', 'content-length']) plain.delete(name)
        // A status that has no body may not be given one, not even an empty one.
        return new Response(bytes.length > 0 ? new Uint8Array(bytes) : null, {
          status: response.status,
          headers: plain,
        })
      } catch (error) {
        throw late.signal.aborted && !signal?.aborted ? late.signal.reason : error
      } finally {
        done.abort()
      }
    }
}
