// Everything that leaves this machine over HTTP leaves through here.
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { addressKind, asHostname, isLoopbackHost, literalAddress, type AddressKind } from './addresses'
import { discard } from './body'
import { createProxyChoice } from './proxies'
import { firstReachable, UnreachedError, type Resolve } from './reach'
import { unlessAborted } from './unless-aborted'

/**
 * Who named the URL decides where it may lead. `typed`: the user did, and private addresses are theirs to name.
 * `found`: a server or a document did; only public addresses over https are reached, except on the very host of
 * `typedUrl`, the server the user meant.
 */
export type Trust = { kind: 'typed' } | { kind: 'found'; typedUrl: string | null }

/** What is sent, and what it may lead to. Sizes in bytes, times in milliseconds. */
export interface SafeRequest {
  trust: Trust
  method?: 'GET' | 'POST' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  body?: Uint8Array
  signal?: AbortSignal
  /**
   * `refuse` (default): any redirect is an error. `same-origin`: up to three hops that keep method and body (307,
   * 308; for a GET of `found` trust also 301, 302, 303), never to another origin.
   */
  redirects?: 'refuse' | 'same-origin'
  /** Where on that origin redirects may lead; anywhere when absent. */
  within?: (url: URL) => boolean
  /** Milliseconds to open the connection. */
  connectTimeout?: number
  /** Milliseconds without a byte until the response fails; 0 for never. */
  idleTimeout?: number
  /** PEM of the only authority to trust for this request, in place of the system's. */
  ca?: string
}

/**
 * Fetches a URL. The name is resolved once, every address of it is checked, and the connection goes to a checked
 * address; certificates are always verified against the name. Bodies arrive as sent (see `chunksOf`, `readBody`).
 * Rejects with `UnreachedError` when the peer surely saw nothing of the request, else with a GatewayError `net.*`, or
 * with the signal's reason.
 */
export type SafeFetch = (url: URL, request: SafeRequest) => Promise<Response>

export interface SafeFetchOptions {
  runtime: Pick<Runtime, 'fetch' | 'monotonic' | 'sleep'>
  /** Where the proxy variables are read. */
  environment: Readonly<Record<string, string>>
  resolve: Resolve
}

/** Milliseconds a checked address is used before its name is looked up again. */
const PIN_LIFETIME = 60_000
const MAX_PINS = 1000
const MAX_HOPS = 3
const DEFAULT_CONNECT_TIMEOUT = 10_000

/** How to get to one host: by a checked address, through a proxy, or (an address spelled out) as it stands. */
interface Route {
  address: string | null
  proxy: string | false
  until: number
}

export function createSafeFetch({ runtime, environment, resolve }: SafeFetchOptions): SafeFetch {
  const proxyFor = createProxyChoice(environment)
  const routes = new Map<string, Route>()

  async function routeTo(url: URL, request: SafeRequest): Promise<Route> {
    const key = `${request.trust.kind} ${url.protocol}//${url.host}`
    const known = routes.get(key)
    if (known && runtime.monotonic() < known.until) return known
    checkUrl(url, request.trust)
    const route = await findRoute(url, request)
    if (routes.size >= MAX_PINS) routes.clear()
    // What a found URL may reach depends on who found it, so its verdict is not kept for others.
    if (request.trust.kind === 'typed') routes.set(key, route)
    return route
  }

  async function findRoute(url: URL, request: SafeRequest): Promise<Route> {
    const timeout = request.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT
    const until = runtime.monotonic() + PIN_LIFETIME
    const proxy = isLoopbackHost(url.hostname) ? false : proxyFor(url)
    const literal = literalAddress(url.hostname)
    let addresses: readonly string[] = literal === null ? [] : [literal]
    if (literal === null) {
      try {
        addresses = await within(resolve(url.hostname.replace(/\.$/, '')), timeout)
      } catch (error) {
        // Behind a proxy only the proxy may know the names of the world.
        if (proxy && request.trust.kind === 'typed') return { address: null, proxy, until }
        throw error instanceof UnreachedError
          ? error
          : new UnreachedError('its name is not known (DNS)', { cause: error })
      }
    }
    if (addresses.length === 0) throw new UnreachedError('its name is not known (DNS)')
    for (const address of addresses) checkAddress(addressKind(address), url, request.trust)
    const local = addresses.some((address) => addressKind(address) === 'loopback')
    if (proxy && !local) {
      return { address: request.trust.kind === 'found' ? (addresses[0] ?? null) : null, proxy, until }
    }
    // A loopback address accepts or refuses at once; the request itself finds out.
    if (literal !== null && local) return { address: null, proxy: false, until }
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    const reached = await firstReachable(addresses, port, timeout, runtime)
    return { address: literal === null ? reached : null, proxy: false, until }
  }

  function within<T>(promise: Promise<T>, timeout: number): Promise<T> {
    const over = new AbortController()
    const late = runtime.sleep(timeout, over.signal).then(() => {
      throw new UnreachedError('its name could not be looked up in time')
    })
    late.catch(() => undefined)
    return Promise.race([promise, late]).finally(() => over.abort())
  }

  async function fetchOnce(url: URL, request: SafeRequest): Promise<Response> {
    const { address, proxy } = await unlessAborted(routeTo(url, request), request.signal)
    const target =
      address === null
        ? url.href
        : `${url.protocol}//${asHostname(address)}${portOf(url)}${url.pathname}${url.search}`
    const tls: Bun.TLSOptions = { rejectUnauthorized: true }
    if (address !== null) tls.serverName = url.hostname.replace(/\.$/, '')
    if (request.ca !== undefined) tls.ca = request.ca
    try {
      return await runtime.fetch(target, {
        method: request.method ?? 'GET',
        headers: { 'accept-encoding': 'identity', ...request.headers, host: url.host },
        body: request.body as BodyInit | undefined,
        signal: request.signal,
        redirect: 'manual',
        decompress: false,
        timeout: request.idleTimeout ?? DEFAULT_CONNECT_TIMEOUT,
        proxy,
        ...(url.protocol === 'https:' && { tls }),
      })
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason
      routes.delete(`${request.trust.kind} ${url.protocol}//${url.host}`)
      throw failureOf(error)
    }
  }

  return async (url, request) => {
    let at = url
    for (let hops = 0; ; hops++) {
      const response = await fetchOnce(at, request)
      if (response.status < 300 || response.status > 399 || response.status === 304) return response
      await discard(response)
      at = nextHop(at, url, response, request, hops)
    }
  }
}

const portOf = (url: URL): string => (url.port === '' ? '' : `:${url.port}`)

function nextHop(from: URL, first: URL, response: Response, request: SafeRequest, hops: number): URL {
  if (request.redirects !== 'same-origin') throw new GatewayError('net.redirect', 'none is followed here')
  const keepsRequest = response.status === 307 || response.status === 308
  const plainRead = (request.method ?? 'GET') === 'GET' && request.trust.kind === 'found'
  if (!keepsRequest && !plainRead)
    throw new GatewayError('net.redirect', `HTTP ${response.status} would change the request`)
  if (hops >= MAX_HOPS) throw new GatewayError('net.redirect', `more than ${MAX_HOPS} in a row`)
  const location = response.headers.get('location')
  if (location === null || !URL.canParse(location, from.href))
    throw new GatewayError('net.redirect', 'it leads nowhere')
  const next = new URL(location, from.href)
  if (next.origin !== first.origin || next.username !== '' || next.password !== '') {
    throw new GatewayError(
      'net.redirect',
      'it leads to another server; if that is right, use its address instead',
    )
  }
  if (request.within && !request.within(next))
    throw new GatewayError('net.redirect', 'it leads to where its sign-in does not count')
  return next
}

function checkUrl(url: URL, trust: Trust): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new GatewayError('net.blocked', 'only http and https addresses are fetched')
  }
  if (url.username !== '' || url.password !== '') {
    throw new GatewayError('net.blocked', 'a name or password does not belong in an address; use a header')
  }
  if (url.protocol === 'https:') return
  if (!isLoopbackHost(url.hostname)) {
    throw new GatewayError('net.blocked', 'unencrypted http is only allowed on this machine; use https')
  }
  if (
    trust.kind === 'found' &&
    !(trust.typedUrl !== null && isLoopbackHost(new URL(trust.typedUrl).hostname))
  ) {
    throw new GatewayError('net.blocked', 'only https addresses are followed')
  }
}

function checkAddress(kind: AddressKind, url: URL, trust: Trust): void {
  if (kind === 'unspecified' || kind === 'multicast')
    throw new GatewayError('net.blocked', 'no server has this address')
  if (url.protocol === 'http:' && kind !== 'loopback') {
    throw new GatewayError('net.blocked', 'unencrypted http is only allowed on this machine; use https')
  }
  if (kind === 'public' || trust.kind === 'typed') return
  if (trust.typedUrl !== null && new URL(trust.typedUrl).hostname === url.hostname) return
  const bothLocal =
    kind === 'loopback' && trust.typedUrl !== null && isLoopbackHost(new URL(trust.typedUrl).hostname)
  if (bothLocal && isLoopbackHost(url.hostname)) return
  throw new GatewayError(
    'net.blocked',
    'it lies in a private network, and only the user may name such an address',
  )
}

/** Codes of failures before the request was written: no socket, or no TLS session. */
const unreachedCodes = new Set([
  'ECONNREFUSED',
  'ConnectionRefused',
  'FailedToOpenSocket',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENOTFOUND',
])

function failureOf(error: unknown): GatewayError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (unreachedCodes.has(code)) return new UnreachedError('the connection was refused', { cause: error })
  if (/CERT|SIGNED|SIGNATURE|ISSUER|VERIFY|ALTNAME/.test(code)) {
    return new UnreachedError('its certificate cannot be verified', { cause: error, code: 'net.tls' })
  }
  return new GatewayError('net.failed', 'the connection broke', { cause: error })
}
