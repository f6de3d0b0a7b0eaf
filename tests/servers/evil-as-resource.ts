// The protected MCP server: 401 with a challenge, metadata of its own, a tool for anybody signed in and one that needs more.
import type { Grants } from './evil-as-grants'
import { type Entry, json, type Mode, type World } from './evil-as-world'

const tools = [
  {
    name: 'whoami',
    description: 'Says which client and scope the token is of',
    inputSchema: { type: 'object' },
  },
  { name: 'admin', description: 'Needs the scope tools:admin', inputSchema: { type: 'object' } },
]

interface Message {
  id?: number | string
  method?: string
  params?: { name?: string; protocolVersion?: string }
}

/** Answers for the paths of the MCP server; null for every other. `grants` are those whose tokens it takes. */
export function createResource(
  grants: Grants,
  world: () => World,
  mode: () => Mode,
): (entry: Entry) => Promise<Response | null> {
  const path = '/.well-known/oauth-protected-resource/mcp'
  const honestChallenge = () => `Bearer resource_metadata="${world().resource}${path}", scope="tools:read"`

  async function protectedResource(entry: Entry): Promise<Response> {
    const honest = {
      resource: world().mcpUrl,
      authorization_servers: [world().issuer],
      scopes_supported: ['tools:read'],
      bearer_methods_supported: ['header'],
    }
    const answer = (await mode().protectedResource?.(honest, world(), entry)) ?? honest
    return answer instanceof Response ? answer : json(answer)
  }

  function unauthorized(sent: boolean): Response {
    const challenge = mode().challenge ? mode().challenge?.(world()) : honestChallenge()
    const error = sent ? ', error="invalid_token"' : ''
    const headers: Record<string, string> =
      challenge === null ? {} : { 'www-authenticate': `${challenge}${error}` }
    return json({ error: 'unauthorized' }, 401, headers)
  }

  function mcp(entry: Entry): Response {
    const own = mode().mcp?.(entry, world())
    if (own) return own
    const token = /^Bearer (\S+)$/.exec(entry.headers.get('authorization') ?? '')?.[1]
    const family = token === undefined ? undefined : grants.byAccess(token)
    const isForUs = family && world().mcpUrl.startsWith(family.resource.replace(/\/$/, ''))
    if (!family || !isForUs) return unauthorized(token !== undefined)
    if (entry.method !== 'POST') return new Response(null, { status: 405 })
    const message = JSON.parse(entry.body) as Message
    if (message.id === undefined) return new Response(null, { status: 202 })
    const scopes = family.scope.split(' ')
    if (message.params?.name === 'admin' && !scopes.includes('tools:admin'))
      return json({ error: 'insufficient_scope' }, 403, {
        'www-authenticate': `${honestChallenge().replace('tools:read', 'tools:admin')}, error="insufficient_scope"`,
      })
    return json({
      jsonrpc: '2.0',
      id: message.id,
      ...answerTo(message, `${family.clientId} ${family.scope}`),
    })
  }

  return async (entry) => {
    if (entry.path === path) return protectedResource(entry)
    return entry.path === '/mcp' ? mcp(entry) : null
  }
}

function answerTo({ method, params }: Message, who: string): { result: unknown } | { error: unknown } {
  switch (method) {
    case 'initialize':
      return {
        result: {
          protocolVersion: params?.protocolVersion ?? '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'guarded', version: '1' },
        },
      }
    case 'tools/list':
      return { result: { tools } }
    case 'tools/call':
      return { result: { content: [{ type: 'text', text: `${params?.name}: ${who}` }] } }
    case 'ping':
      return { result: {} }
    default:
      return { error: { code: -32601, message: 'no such method' } }
  }
}
