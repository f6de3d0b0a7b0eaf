import { type Answer, type HttpConnection, openConnection } from './http-connection'

/** One thing under load. `tool` is the exposed name of its echo tool. */
export interface Target {
  name: string
  url: URL
  headers: Record<string, string>
  tool: string
  /** Called as a client of 2026-07-28 calls: without a session. */
  modern?: boolean
}

/** A conversation with a target, ready for calls. */
export interface Conversation {
  target: Target
  headers: Record<string, string>
}

const revision = '2025-11-25'
const modernRevision = '2026-07-28'
const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': modernRevision,
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A request as bytes for the wire. */
export function post(conversation: Conversation, body: string): Uint8Array {
  const { url } = conversation.target
  const headers = {
    host: url.host,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(Buffer.byteLength(body)),
    ...conversation.headers,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

/** A call of the target's tool as a request of the era it is called in. */
export function postCall(conversation: Conversation, id: number, args: object): Uint8Array {
  const { tool, modern } = conversation.target
  const own = { name: tool, arguments: args }
  const params = modern ? { ...own, _meta: modernMeta } : own
  const mirrors: Record<string, string> = modern ? { 'mcp-method': 'tools/call', 'mcp-name': tool } : {}
  return post(
    { ...conversation, headers: { ...conversation.headers, ...mirrors } },
    JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }),
  )
}

/** `initialize` and `notifications/initialized`; the session id, if there is one, goes into the headers. */
export async function converse(target: Target, connection: HttpConnection): Promise<Conversation> {
  const fresh: Conversation = { target, headers: { ...target.headers } }
  if (target.modern) return { target, headers: { ...target.headers, 'mcp-protocol-version': modernRevision } }
  const hello = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
  }
  const answer = checked(target, await connection.exchange(post(fresh, JSON.stringify(hello))))
  const session = /^mcp-session-id: *(\S+)/im.exec(answer.head)?.[1]
  const headers = { ...target.headers, 'mcp-protocol-version': revision }
  if (session !== undefined) Object.assign(headers, { 'mcp-session-id': session })
  const conversation = { target, headers }
  checked(
    target,
    await connection.exchange(post(conversation, '{"jsonrpc":"2.0","method":"notifications/initialized"}')),
  )
  return conversation
}

export async function open(
  target: Target,
): Promise<{ conversation: Conversation; connection: HttpConnection }> {
  const connection = await openConnection(target.url)
  return { conversation: await converse(target, connection), connection }
}

/** The answer if it is a good one, or an error that says what came instead. */
export function checked(target: Target, answer: Answer): Answer {
  if (answer.status !== 200 && answer.status !== 202) {
    throw new Error(`${target.name} answers ${answer.status}: ${answer.text.slice(0, 300)}`)
  }
  return answer
}
