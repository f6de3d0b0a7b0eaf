// The hostile authorization server and its MCP server, running: three origins on 127.0.0.1 and a log of what came to each.
import { Grants, issue } from '../servers/evil-as-grants'
import { createIssuer } from '../servers/evil-as-issuer'
import { modeNamed } from '../servers/evil-as-modes'
import { createResource } from '../servers/evil-as-resource'
import type { Entry, Mode, Place, World } from '../servers/evil-as-world'

export interface EvilAsOptions {
  /** A name of `modes`; `honest` unless told. */
  mode?: string
  /** What the token endpoint takes, most wanted first. */
  authMethods?: readonly string[]
}

export interface EvilAs extends AsyncDisposable, World {
  /** May be changed on the way; the path of the issuer stays. */
  mode: string
  log: Entry[]
  /** What came to one place, to one path if told. */
  at(place: Place, path?: string): Entry[]
  /** What the honest side gave out. */
  grants: Grants
  /** Seconds the next access tokens are said to live; 3600 at first. */
  lifetime: number
  /** A client somebody registered by hand. */
  giveClient(authMethod: string): { clientId: string; clientSecret: string | null }
  /** What a browser does with the address of a sign-in: resolves with the address it is sent back to. */
  browse(url: string): Promise<URL>
  /** Values that are secret and came to a place: authorization headers, and codes, verifiers and tokens anywhere. */
  secretsAt(place: Place): string[]
}

const isSecret = /\b(?:code|access|refresh|secret)-[\da-f-]{36}/g

export async function startEvilAs(options: EvilAsOptions = {}): Promise<EvilAs> {
  const log: Entry[] = []
  const grants = new Grants()
  const authMethods = options.authMethods ?? ['none', 'client_secret_basic', 'client_secret_post']
  let name = options.mode ?? 'honest'
  let lifetime = 3600
  const honest: Mode = { threat: 0, outcome: 'works' }
  const mode = () => modeNamed(name)
  const world = (): World => addresses

  const listen = (place: Place, answer: () => (entry: Entry) => Promise<Response | null>) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      async fetch(request) {
        const url = new URL(request.url)
        const body = await request.text()
        const isForm = request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')
        const entry: Entry = {
          place,
          method: request.method,
          path: url.pathname,
          query: url.searchParams,
          headers: request.headers,
          body,
          form: new URLSearchParams(isForm ? body : ''),
        }
        log.push(entry)
        return (await answer()(entry)) ?? new Response('nothing here', { status: 404 })
      },
    })

  const servers = {
    resource: listen('resource', () => resource),
    issuer: listen('issuer', () => issuer),
    other: listen('other', () => other),
  }
  const origin = (place: Place) => `http://127.0.0.1:${servers[place].port}`
  const addresses: World = {
    mcpUrl: `${origin('resource')}/mcp`,
    resource: origin('resource'),
    issuer: `${origin('issuer')}${mode().issuerPath ?? ''}`,
    other: origin('other'),
    seen: (place, path) => at(place, path).length,
  }
  const resource = createResource(grants, world, mode)
  const common = { world, authMethods, lifetime: () => lifetime }
  const issuer = createIssuer({ ...common, issuer: addresses.issuer, mode, grants })
  const other = createIssuer({ ...common, issuer: addresses.other, mode: () => honest, grants: new Grants() })
  const at = (place: Place, path?: string) =>
    log.filter((entry) => entry.place === place && (path === undefined || entry.path === path))

  return {
    ...addresses,
    log,
    at,
    grants,
    get mode() {
      return name
    },
    set mode(next) {
      modeNamed(next)
      name = next
    },
    get lifetime() {
      return lifetime
    },
    set lifetime(seconds) {
      lifetime = seconds
    },
    giveClient(authMethod) {
      const secret = authMethod === 'none' ? null : issue('secret')
      const id = issue('client')
      grants.clients.set(id, { id, secret, authMethod, redirectUris: null })
      return { clientId: id, clientSecret: secret }
    },
    async browse(url) {
      const response = await fetch(url, { redirect: 'manual' })
      const location = response.headers.get('location')
      if (location === null) throw new Error(`it answered ${response.status}: ${await response.text()}`)
      return new URL(location)
    },
    secretsAt: (place) =>
      at(place).flatMap(({ query, headers, body }) => [
        ...(headers.has('authorization') ? [headers.get('authorization') ?? ''] : []),
        ...(`${query} ${body} ${[...headers.values()].join(' ')}`.match(isSecret) ?? []),
        ...(/code_verifier=[^&]+/.exec(body) ?? []),
      ]),
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(servers).map((server) => server.stop(true)))
    },
  }
}
