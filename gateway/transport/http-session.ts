import { GatewayError } from '../errors'
import type { SafeFetch } from '../net/safe-fetch'
import { Secret } from '../secrets/secret'
import type { Authorization } from './authorization'
import { AuthorizedRequest } from './authorized'
import type { MessageHeaders } from './channel'
import { ownHeaders } from './http-headers'

export interface HttpSessionOptions {
  url: string
  headers: Readonly<Record<string, Secret | string>>
  safeFetch: SafeFetch
  connectTimeout: number
  /** What gives its requests their tokens; null where there is no sign-in. */
  authorization: Authorization | null
  /** PEM of the only authority this server's certificate is checked against; the system's when absent. */
  ca?: string
}

/** The requests of one Streamable HTTP session and the headers they carry (MCP 2025-11-25, transports). */
export interface HttpSession {
  readonly id: string | null
  /** `idleTimeout` in ms, 0 for never; so too below. `headers` go with this message alone. To be sent by the caller. */
  post(
    message: Uint8Array,
    signal: AbortSignal,
    idleTimeout: number,
    headers?: MessageHeaders,
    onWait?: (waiting: boolean) => void,
  ): AuthorizedRequest
  /** Opens a stream, or goes on with the one `lastEventId` belongs to. Rejects as `AuthorizedRequest`. */
  get(lastEventId: string | null, signal: AbortSignal, idleTimeout: number): Promise<Response>
  delete(signal: AbortSignal): Promise<Response>
  /** Takes the session id the server gave with its answer to initialize. */
  begin(response: Response): void
  setVersion(protocolVersion: string): void
  /** The server no longer knows the session. */
  forget(): void
}

const BOTH = 'application/json, text/event-stream'
const JSON_TYPE = 'application/json'

/** Throws `input.invalid` for a URL or header that cannot be used. */
export function createHttpSession(options: HttpSessionOptions): HttpSession {
  const { safeFetch, connectTimeout, ca, authorization } = options
  const url = parseUrl(options.url)
  const own = ownHeaders(options.headers)
  const common = { trust: { kind: 'typed' }, redirects: 'same-origin', connectTimeout, ca } as const
  /** By the token of this request: others of the session may have another one, or none, by the time it is redirected. */
  const within = (carried: Secret | null) => (next: URL) =>
    carried === null || authorization?.covers(next) === true
  let id: string | null = null
  let version: string | null = null
  let token: Secret | null = null
  let shared: Record<string, string> = own
  let posting = forPost()

  function forPost(): Record<string, string> {
    return { ...shared, accept: BOTH, 'content-type': JSON_TYPE }
  }

  function refresh(): void {
    shared = { ...own }
    if (id !== null) shared['mcp-session-id'] = id
    if (version !== null) shared['mcp-protocol-version'] = version
    if (token !== null) shared.authorization = `Bearer ${token.reveal()}`
    posting = forPost()
  }

  function use(given: Secret | null): void {
    if (given === token) return
    token = given
    refresh()
  }

  /** A session that ends waits for no token. */
  function atHand(): Secret | null {
    try {
      const pass = authorization?.tokenFor(url) ?? null
      if (pass instanceof Promise) pass.catch(() => undefined)
      return pass instanceof Secret ? pass : null
    } catch {
      return null
    }
  }

  const ask = (attempt: (token: Secret | null) => Promise<Response>): Promise<Response> =>
    new AuthorizedRequest(authorization, url, attempt).response()

  return {
    get id() {
      return id
    },
    post(body, signal, idleTimeout, extra, onWait) {
      const attempt = (given: Secret | null) => {
        use(given)
        const headers = extra ? { ...posting, ...extra } : posting
        return safeFetch(url, {
          ...common,
          within: within(given),
          method: 'POST',
          headers,
          body,
          signal,
          idleTimeout,
        })
      }
      return new AuthorizedRequest(authorization, url, attempt, onWait)
    },
    get: (lastEventId, signal, idleTimeout) =>
      ask((given) => {
        use(given)
        const headers: Record<string, string> = { ...shared, accept: 'text/event-stream' }
        if (lastEventId !== null) headers['last-event-id'] = lastEventId
        return safeFetch(url, {
          ...common,
          within: within(given),
          method: 'GET',
          headers,
          signal,
          idleTimeout,
        })
      }),
    delete(signal) {
      const given = atHand()
      use(given)
      return safeFetch(url, { ...common, within: within(given), method: 'DELETE', headers: shared, signal })
    },
    begin(response) {
      const given = response.headers.get('mcp-session-id')
      if (given === null) return
      if (!/^[\x21-\x7e]{1,1024}$/.test(given)) {
        throw new GatewayError('upstream.garbage', 'its session id is not made of visible ASCII characters')
      }
      id = given
      refresh()
    },
    setVersion(protocolVersion) {
      version = protocolVersion
      refresh()
    },
    forget() {
      id = null
      refresh()
    },
  }
}

/** Throws `input.invalid`; without a fragment, which is never sent. */
export function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new GatewayError('input.invalid', 'the address of the server is not a URL')
  const url = new URL(text)
  url.hash = ''
  return url
}
