// Modes of the token endpoint, of what follows it, and of authorization servers that change on the way.
import { badTokens } from './evil-as-answers'
import { innerAddresses, shapes } from './evil-as-modes-resource'
import { type Change, type Entry, json, type Mode, oauthError, type World } from './evil-as-world'

const { works, named, each, redirects } = shapes

const atToken = (threat: number, mode: Omit<Mode, 'threat' | 'outcome'>): Mode => ({
  threat,
  outcome: 'refused at token',
  ...mode,
})
const untouched = (threat: number, refresh: Change): Mode => ({
  threat,
  outcome: 'credential untouched',
  refresh,
})

const tokenEndpoint = (value: (world: World) => string): Pick<Mode, 'metadata'> => ({
  metadata: (answer, world) => ({ ...answer, token_endpoint: value(world) }),
})
/** Only those a format says nothing against: the rest is refused before the browser. */
const httpsInside = Object.fromEntries(
  Object.entries(innerAddresses).filter(([, url]) => url.startsWith('https:')),
)

const bearer = ({ headers }: Entry) => headers.has('authorization')

const wanting = (scope: (world: World) => string) => (entry: Entry, world: World) =>
  bearer(entry)
    ? json({ error: 'insufficient_scope' }, 403, {
        'www-authenticate': `Bearer error="insufficient_scope", scope="${scope(world)}"`,
      })
    : null

export const tokenModes: Record<string, Mode> = {
  ...named(
    'token',
    each(badTokens, (change) => atToken(40, { token: change })),
  ),
  'token-invalid-grant': atToken(40, { token: () => oauthError('invalid_grant') }),
  'token-more-members': works(40, {
    token: (answer) => ({
      ...answer,
      id_token: 'junk',
      __proto__x: {},
      scope: answer.scope,
      custom: [1, { a: null }],
    }),
  }),
  'token-no-expiry': works(40, { token: ({ expires_in: _, ...answer }) => answer }),
  'token-no-refresh': works(40, { token: ({ refresh_token: _, ...answer }) => answer }),
  'token-called-html': works(40, {
    token: (answer) => new Response(JSON.stringify(answer), { headers: { 'content-type': 'text/html' } }),
  }),
  'token-type-lower-case': works(40, { token: (answer) => ({ ...answer, token_type: 'bearer' }) }),
  'token-fewer-scopes': works(40, { token: (answer) => ({ ...answer, scope: '' }) }),
  'token-more-scopes': works(40, { token: (answer) => ({ ...answer, scope: 'tools:read everything' }) }),
  ...named(
    'token-redirect',
    each(redirects, (change) => atToken(35, { token: change })),
  ),
  ...named(
    'token-inside',
    each(httpsInside, (url) =>
      atToken(
        34,
        tokenEndpoint(() => `${url}/token`),
      ),
    ),
  ),
  // Read once more, the document names another endpoint: the code goes where the sign-in began.
  'endpoint-moves': works(36, {
    metadata: (answer, { other, seen }) =>
      seen('issuer', '/authorize') === 0 ? answer : { ...answer, token_endpoint: `${other}/token` },
  }),
  ...named(
    'refresh',
    each(badTokens, (change) => untouched(40, change)),
  ),
  ...named(
    'refresh-redirect',
    each(redirects, (change) => untouched(35, change)),
  ),
  'refresh-invalid-grant': untouched(38, () => oauthError('invalid_grant')),
  'refresh-invalid-client': untouched(38, () => oauthError('invalid_client', 401)),
  'refresh-without-a-new-one': works(38, { refresh: ({ refresh_token: _, ...answer }) => answer }),
  ...named(
    'revoke-redirect',
    each(redirects, (change) => works(35, { revocation: change })),
  ),
  'revoke-error': works(41, { revocation: () => oauthError('server_error', 500) }),
  'scope-never-enough': {
    threat: 39,
    outcome: 'bounded',
    mcp: wanting(({ seen }) => `tools:${seen('resource', '/mcp')}`),
  },
  'scope-the-same-again': { threat: 39, outcome: 'bounded', mcp: wanting(() => 'tools:read') },
  'scope-with-quotes': { threat: 39, outcome: 'bounded', mcp: wanting(() => 'a\\"b tools:read') },
  'scope-giant': { threat: 39, outcome: 'bounded', mcp: wanting(() => 'x'.repeat(12_000)) },
  'scope-nothing': { threat: 39, outcome: 'bounded', mcp: wanting(() => '') },
  'never-let-in': {
    threat: 38,
    outcome: 'bounded',
    mcp: (entry) => (bearer(entry) ? json({ error: 'invalid_token' }, 401) : null),
  },
}
