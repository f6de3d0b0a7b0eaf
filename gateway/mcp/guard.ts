import { GatewayError } from '../errors'

/**
 * What is in front of everything, also of answers that say "not found": a web page that reaches the port, by DNS
 * rebinding, a form or a socket, must not reach a handler. `check` gives null to go on, else why not. It reads only
 * raw headers: the URL of a request with a broken Host cannot be trusted, or even parsed.
 */
export interface Guard {
  /** The Host headers that are served, lower case. */
  hosts: readonly string[]
  check(request: Request): GatewayError | null
}

// What may stand in a Host header at all (RFC 9110 7.2): a name, an IPv4 or a bracketed IPv6 address, and a port.
const WELL_FORMED = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** Only `127.0.0.1:port`, `localhost:port` and `[::1]:port` are served, and only pages of those origins may call. */
export function createGuard(port: number): Guard {
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
  if (port === 80) for (const host of [...hosts]) hosts.add(host.slice(0, -':80'.length))
  const origins = new Set([...hosts].map((host) => `http://${host}`))

  const check = (request: Request): GatewayError | null => {
    const host = request.headers.get('host')
    if (host === null) return new GatewayError('http.bad_request', 'a Host header is required')
    if (!hosts.has(host) && !hosts.has(host.toLowerCase())) {
      return WELL_FORMED.test(host)
        ? new GatewayError('http.bad_host')
        : new GatewayError('http.bad_request', 'the Host header is malformed')
    }
    const origin = request.headers.get('origin')
    if (origin !== null && !origins.has(origin)) return new GatewayError('http.bad_origin')
    if (request.method === 'GET' && request.headers.get('upgrade') !== null)
      return new GatewayError('http.bad_request', 'no protocol upgrades here')
    return null
  }
  return { hosts: [...hosts], check }
}
