// Modes of the MCP server's side of discovery: its challenge and its protected-resource metadata (RFC 9728).
import { badDocuments } from './evil-as-answers'
import { type Change, json, type Mode, type World } from './evil-as-world'

const refused = (threat: number, mode: Omit<Mode, 'threat' | 'outcome'>): Mode => ({
  threat,
  outcome: 'refused before the browser',
  ...mode,
})
const works = (threat: number, mode: Omit<Mode, 'threat' | 'outcome'>): Mode => ({
  threat,
  outcome: 'works',
  ...mode,
})

/** The metadata say they are of this resource. */
const resourceIs = (value: (world: World) => unknown): Omit<Mode, 'threat' | 'outcome'> => ({
  protectedResource: (answer, world) => ({ ...answer, resource: value(world) }),
})

/** The metadata name these authorization servers. */
const serversAre = (value: (world: World) => unknown): Omit<Mode, 'threat' | 'outcome'> => ({
  protectedResource: (answer, world) => ({ ...answer, authorization_servers: value(world) }),
})

/** Resources that are not the server the person named, nor above it on its origin. */
const otherResources: Record<string, (world: World) => unknown> = {
  'other-host': () => 'https://elsewhere.example/mcp',
  'other-port': ({ other }) => `${other}/mcp`,
  'other-name': ({ mcpUrl }) => mcpUrl.replace('127.0.0.1', 'localhost'),
  'other-scheme': ({ mcpUrl }) => mcpUrl.replace('http:', 'https:'),
  'other-path': ({ resource }) => `${resource}/other`,
  'deeper-path': ({ mcpUrl }) => `${mcpUrl}/deeper`,
  'half-a-segment': ({ mcpUrl }) => mcpUrl.slice(0, -1),
  'longer-segment': ({ mcpUrl }) => `${mcpUrl}x`,
  'trailing-slash': ({ mcpUrl }) => `${mcpUrl}/`,
  'dots-in-path': ({ resource }) => `${resource}/mcp/../other`,
  'encoded-path': ({ resource }) => `${resource}/%6dcp%2fx`,
  userinfo: ({ mcpUrl }) => mcpUrl.replace('//', '//127.0.0.1@'),
  'userinfo-of-ours': ({ mcpUrl, resource }) =>
    mcpUrl.replace('//', `//${encodeURIComponent(resource)}@elsewhere.example/`),
  idn: ({ mcpUrl }) => mcpUrl.replace('127.0.0.1', 'lоcalhost'),
  fragment: ({ mcpUrl }) => `${mcpUrl}#part`,
  query: ({ mcpUrl }) => `${mcpUrl}?tenant=1`,
  missing: () => undefined,
  null: () => null,
  empty: () => '',
  array: ({ mcpUrl }) => [mcpUrl],
  'not-a-url': () => 'mcp',
}

/** Authorization servers nobody can be sent to. */
const otherServers: Record<string, (world: World) => unknown> = {
  none: () => [],
  absent: () => undefined,
  'a-string': ({ issuer }) => issuer,
  numbers: () => [1],
  'a-script': () => ['javascript:alert(1)'],
  relative: () => ['/as'],
  userinfo: ({ issuer }) => [issuer.replace('//', '//user:pass@')],
  fragment: ({ issuer }) => [`${issuer}#x`],
  query: ({ issuer }) => [`${issuer}?x=1`],
}

/** Addresses inside, and schemes that read what no network has (threat 34). */
export const innerAddresses: Record<string, string> = {
  'cloud-metadata': 'http://169.254.169.254/latest',
  'cloud-metadata-https': 'https://169.254.169.254/latest',
  private: 'https://10.0.0.1',
  'private-http': 'http://192.168.1.1',
  'carrier-nat': 'https://100.64.0.1',
  'unique-local': 'https://[fd00::1]',
  'mapped-private': 'https://[::ffff:10.0.0.1]',
  unspecified: 'https://0.0.0.0',
  file: 'file:///etc/passwd',
  data: 'data:application/json,{}',
}

const redirect =
  (status: number): Change =>
  (_answer, { other }, { path }) =>
    new Response(null, { status, headers: { location: `${other}${path}` } })

const named = (prefix: string, modes: Record<string, Mode>): Record<string, Mode> =>
  Object.fromEntries(Object.entries(modes).map(([name, mode]) => [`${prefix}-${name}`, mode]))

const each = <T>(values: Record<string, T>, toMode: (value: T) => Mode): Record<string, Mode> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toMode(value)]))

const redirects = Object.fromEntries(
  [301, 302, 303, 307, 308].map((status) => [String(status), redirect(status)]),
)

export const resourceModes: Record<string, Mode> = {
  honest: works(27, {}),
  'resource-is-the-origin': works(
    27,
    resourceIs(({ resource }) => resource),
  ),
  'resource-is-the-root': works(
    27,
    resourceIs(({ resource }) => `${resource}/`),
  ),
  ...named(
    'resource',
    each(otherResources, (value) => refused(27, resourceIs(value))),
  ),
  ...named(
    'servers',
    each(otherServers, (value) => refused(28, serversAre(value))),
  ),
  ...named(
    'servers-inside',
    each(innerAddresses, (url) =>
      refused(
        34,
        serversAre(() => [url]),
      ),
    ),
  ),
  ...named(
    'resource-document',
    each(badDocuments, (change) => refused(40, { protectedResource: change })),
  ),
  ...named(
    'resource-redirect',
    each(redirects, (change) => refused(35, { protectedResource: change })),
  ),
  // The door is open, and who comes in is asked at the next one.
  'handshake-for-everybody': works(27, {
    mcp({ headers, body }) {
      const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string }
      if (headers.has('authorization') || method === undefined) return null
      if (method.startsWith('notifications/')) return new Response(null, { status: 202 })
      if (method === 'server/discover')
        return json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } })
      if (method !== 'initialize') return null
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'guarded', version: '1' },
      }
      return json({ jsonrpc: '2.0', id, result })
    },
  }),
  'challenge-absent': works(27, { challenge: () => null }),
  'challenge-without-address': works(27, { challenge: () => 'Bearer realm="mcp"' }),
  'challenge-junk': works(27, { challenge: () => ',,= "open \\' }),
  'challenge-many': works(27, {
    challenge: ({ resource }) =>
      `Digest realm="a, Bearer resource_metadata=\\"https://elsewhere.example/\\"", qop="auth", bearer ` +
      `resource_metadata="${resource}/.well-known/oauth-protected-resource/mcp", scope="tools:read"`,
  }),
  // What it names is of another server, however honest that one is.
  'challenge-of-another': refused(27, {
    challenge: ({ other }) => `Bearer resource_metadata="${other}/.well-known/oauth-protected-resource/mcp"`,
    protectedResource: (_answer, { other }) =>
      json({ resource: `${other}/mcp`, authorization_servers: [other] }),
  }),
}

export const shapes = { refused, works, named, each, redirects }
