import { createHash, timingSafeEqual } from 'node:crypto'
import type { Actor } from '../domain/audit'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { Secret } from '../secrets/secret'
import { problemResponse } from './failures'

/** The admin API on a loopback port of its own. */
export interface AdminListener extends AsyncDisposable {
  url: string
  /** Good for this launch only; never in argv, a URL, an environment or a file. */
  token: Secret
}

interface Door {
  runtime: Pick<Runtime, 'randomBytes'>
  app: { handle(request: Request, by: Actor): Promise<Response> | Response }
  /** One line for each accepted request that may change something. */
  audit(entry: { method: string; path: string }): void
}

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
} as const

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Opens the admin door: exact Host, exact Origin where there is one, and the token of this launch, checked in this
 * order before anything is routed or read. Every refusal is 403, so that the door tells nothing of itself.
 */
export function openAdminListener({ runtime, app, audit }: Door): AdminListener {
  const token = new Secret(Buffer.from(runtime.randomBytes(32)).toString('base64url'))
  const expected = digest(`Bearer ${token.reveal()}`)
  const hosts = new Set<string>()
  const origins = new Set<string>()

  function refuse(request: Request): GatewayError | null {
    const host = request.headers.get('host')?.toLowerCase()
    if (host === undefined || !hosts.has(host)) return new GatewayError('http.bad_host')
    const origin = request.headers.get('origin')
    if (origin !== null && !origins.has(origin)) return new GatewayError('http.bad_origin')
    const given = digest(request.headers.get('authorization') ?? '')
    return timingSafeEqual(given, expected) ? null : new GatewayError('admin.forbidden')
  }

  async function answer(request: Request): Promise<Response> {
    const refusal = refuse(request)
    if (refusal) return problemResponse(refusal)
    if (!URL.canParse(request.url)) return problemResponse(new GatewayError('http.bad_request'))
    if (request.method === 'OPTIONS') return problemResponse(new GatewayError('http.method_not_allowed'))
    if (request.method !== 'GET') audit({ method: request.method, path: new URL(request.url).pathname })
    return app.handle(request, { via: 'window' })
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    reusePort: false,
    maxRequestBodySize: 16 * 1024 * 1024,
    development: false,
    async fetch(request, self) {
      const response = await answer(request)
      // Event streams are quiet for long; only a request that passed the door may stay.
      if (response.ok) self.timeout(request, 0)
      for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value)
      return response
    },
    error: () => problemResponse(new GatewayError('internal')),
  })
  for (const name of ['127.0.0.1', 'localhost']) {
    hosts.add(`${name}:${server.port}`)
    origins.add(`http://${name}:${server.port}`)
  }
  return {
    url: `http://127.0.0.1:${server.port}`,
    token,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}
