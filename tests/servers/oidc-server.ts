// A real authorization server (oidc-provider) and an MCP server whose tokens it introspects:
//   oidc-server.ts '{"life":5,"registration":true,"format":"opaque"}'
// One line {"issuer","mcpUrl"} when both serve; ends with its input. Everybody who signs in is let in at once. GET /log on the
// MCP server gives what came to both.
import { createServer } from 'node:http'
import Provider, { type Configuration } from 'oidc-provider'

export interface OidcOptions {
  /** Seconds access tokens live. */
  life: number
  /** Whether clients may register by themselves. */
  registration: boolean
  format: 'opaque' | 'jwt'
}
export interface OidcLog {
  /** Grant type and status of each request for tokens. */
  tokens: { grant: string; status: number; resource: string; scope: string }[]
  revoked: number
  /** Status and tool of each message to the MCP server. */
  messages: { status: number; method: string; name: string }[]
}

const options = JSON.parse(process.argv[2] ?? '{}') as OidcOptions
const log: OidcLog = { tokens: [], revoked: 0, messages: [] }
const SCOPES = 'tools:read tools:admin'
const resourceServer = { id: 'resource-server', secret: 'the secret of the resource server' }

// Its address is known before it is made.
const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = probe.address() as { port: number }
    probe.close(() => resolve(free))
  })
})
const issuer = `http://127.0.0.1:${port}`

const configuration: Configuration = {
  clients: [
    {
      client_id: 'by-hand',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/oauth/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    {
      client_id: resourceServer.id,
      client_secret: resourceServer.secret,
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    },
  ],
  cookies: { keys: ['for a test'] },
  scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: options.registration },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, indicator) => ({
        scope: SCOPES,
        audience: indicator,
        accessTokenTTL: options.life,
        accessTokenFormat: options.format,
        ...(options.format === 'jwt' && { jwt: { sign: { alg: 'RS256' } } }),
      }),
    },
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: (_context, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
  ttl: { AccessToken: options.life, Grant: 86_400, Session: 86_400, RefreshToken: 86_400, Interaction: 600 },
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
}
const provider = new Provider(issuer, configuration)
provider.use(async (context, next) => {
  await next()
  if (context.path === '/token/revocation') log.revoked += 1
  if (context.path !== '/token') return
  const {
    grant_type = '',
    resource = '',
    scope = '',
  } = (context.oidc?.params ?? {}) as Record<string, string>
  log.tokens.push({ grant: grant_type, status: context.status, resource: String(resource), scope })
})

const answer = provider.callback()
createServer((request, response) => {
  if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
  void (async () => {
    const details = await provider.interactionDetails(request, response)
    if (details.prompt.name === 'login')
      return provider.interactionFinished(request, response, { login: { accountId: 'somebody' } })
    const { client_id, resource, scope } = details.params as Record<string, string>
    const grant = details.grantId
      ? await provider.Grant.find(details.grantId)
      : new provider.Grant({ accountId: 'somebody', clientId: client_id })
    if (!grant) throw new Error('no grant')
    const asked = (scope ?? '').split(' ')
    grant.addOIDCScope(`openid offline_access ${SCOPES}`)
    grant.addResourceScope(resource ?? '', asked.filter((one) => SCOPES.includes(one)).join(' '))
    await provider.interactionFinished(
      ...([
        request,
        response,
        { consent: { grantId: await grant.save() } },
        { mergeWithLastSubmission: true },
      ] as const),
    )
  })()
}).listen(port, '127.0.0.1')

interface Introspected {
  active: boolean
  scope?: string
  aud?: string
}

async function introspect(token: string): Promise<Introspected> {
  const basic = Buffer.from(`${resourceServer.id}:${encodeURIComponent(resourceServer.secret)}`)
  const response = await fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic.toString('base64')}` },
    body: new URLSearchParams({ token }),
  })
  return (await response.json()) as Introspected
}

/** Of a JWT, which this issuer does not introspect. */
function claimsOf(token: string): Introspected {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    exp: number
    scope: string
    aud: string
  }
  return { active: claims.exp > Date.now() / 1000, scope: claims.scope, aud: claims.aud }
}

interface Message {
  id?: number
  method: string
  params?: { name?: string; protocolVersion?: string; arguments?: { text?: string } }
}

function resultOf({ method, params }: Message): object | null {
  if (method === 'initialize')
    return {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'guarded', version: '1' },
    }
  if (method === 'tools/list')
    return { tools: ['echo', 'admin'].map((name) => ({ name, inputSchema: { type: 'object' } })) }
  if (method === 'tools/call')
    return { content: [{ type: 'text', text: params?.arguments?.text ?? params?.name }] }
  return method === 'ping' ? {} : null
}

const metadataPath = '/.well-known/oauth-protected-resource/mcp'
const mcp = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const { pathname, origin } = new URL(request.url)
    if (pathname === '/log') return Response.json(log)
    const resource = `${origin}/mcp`
    if (pathname === metadataPath)
      return Response.json({ resource, authorization_servers: [issuer], scopes_supported: ['tools:read'] })
    if (pathname !== '/mcp') return new Response(null, { status: 404 })
    const message = request.method === 'POST' ? ((await request.json()) as Message) : null
    const note = (status: number) =>
      message && log.messages.push({ status, method: message.method, name: message.params?.name ?? '' })
    const challenge = `Bearer resource_metadata="${origin}${metadataPath}"`
    const token = request.headers.get('authorization')?.replace(/^Bearer /, '')
    const known = !token ? null : options.format === 'jwt' ? claimsOf(token) : await introspect(token)
    if (!known?.active || known.aud !== resource) {
      note(401)
      const why = token ? ', error="invalid_token"' : ''
      return new Response(null, {
        status: 401,
        headers: { 'www-authenticate': `${challenge}, scope="tools:read"${why}` },
      })
    }
    if (!message) return new Response(null, { status: 405 })
    if (message.params?.name === 'admin' && !known.scope?.includes('tools:admin')) {
      note(403)
      const headers = {
        'www-authenticate': `${challenge}, scope="tools:admin", error="insufficient_scope"`,
      }
      return new Response(null, { status: 403, headers })
    }
    if (message.id === undefined) return new Response(null, { status: 202 })
    const result = resultOf(message)
    note(200)
    const error = { code: -32601, message: 'no such method' }
    return Response.json({ jsonrpc: '2.0', id: message.id, ...(result ? { result } : { error }) })
  },
})

process.stdout.write(`${JSON.stringify({ issuer, mcpUrl: `http://127.0.0.1:${mcp.port}/mcp` })}\n`)
for await (const _ of Bun.stdin.stream()) {
  // Waits for the end.
}
process.exit(0)
