import { type Answer, type HttpConnection, openConnection } from './http-connection'

/** One thing under load. `tool` is the exposed name of its echo tool. */
export interface Target {
  name: string
  url: URL
  headers: Record<string, string>
  tool: string
}

/** A conversation with a target, ready for calls. */
export interface Conversation {
  target: Target
  headers: Record<string, string>
}

const revision = '2025-11-25'

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

/** `initialize` and `notifications/initialized`; the session id, if there is one, goes into the headers. */
export async function converse(target: Target, connection: HttpConnection): Promise<Conversation> {
  const fresh: Conversation = { target, headers: { ...target.headers } }
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
