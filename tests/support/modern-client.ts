// A raw client of 2026-07-28: every request says by itself who sends it and what it can do.
import { mcpHeaders } from './raw-client'
import { readEvents } from './sse-reader'

export const MODERN = '2026-07-28'
const meta = 'io.modelcontextprotocol/'

export interface Modern {
  method: string
  params?: Record<string, unknown>
  id?: number | string
  capabilities?: object
  logLevel?: string
  /** Put over the headers that belong to the message; null leaves one out. */
  headers?: Record<string, string | null>
  /** Put over the members of `_meta`; undefined leaves one out. */
  meta?: Record<string, unknown>
  signal?: AbortSignal
}

export interface ModernAnswer {
  status: number
  headers: Headers
  /** What came before the answer. */
  before: Record<string, unknown>[]
  message: {
    id?: unknown
    result?: Record<string, unknown>
    error?: { code: number; message: string; data?: { code?: string } }
  }
  text: string
}

const names: Record<string, string> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

export function modernFetch(url: string, key: string, given: Modern): Promise<Response> {
  const { method, params = {}, id = 1, capabilities = {}, logLevel, signal } = given
  const body = {
    jsonrpc: '2.0',
    id,
    method,
    params: {
      ...params,
      _meta: {
        [`${meta}protocolVersion`]: MODERN,
        [`${meta}clientInfo`]: { name: 'raw', version: '1' },
        [`${meta}clientCapabilities`]: capabilities,
        ...(logLevel ? { [`${meta}logLevel`]: logLevel } : {}),
        ...given.meta,
      },
    },
  }
  const name = names[method]
  const headers: Record<string, string | null> = {
    ...mcpHeaders(key),
    'MCP-Protocol-Version': MODERN,
    'Mcp-Method': method,
    ...(name && typeof params[name] === 'string' ? { 'Mcp-Name': String(params[name]) } : {}),
    ...given.headers,
  }
  const kept = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== null)
  return fetch(url, { method: 'POST', headers: Object.fromEntries(kept), body: JSON.stringify(body), signal })
}

/** One request and its whole answer. */
export async function modern(url: string, key: string, given: Modern): Promise<ModernAnswer> {
  const response = await modernFetch(url, key, given)
  const { status, headers } = response
  if (!headers.get('content-type')?.startsWith('text/event-stream')) {
    const text = await response.text()
    return { status, headers, before: [], message: text ? JSON.parse(text) : {}, text }
  }
  const reader = readEvents(response)
  await reader.finished
  const messages = reader.messages()
  return {
    status,
    headers,
    before: messages.slice(0, -1),
    message: messages.at(-1) ?? {},
    text: reader.text(),
  }
}
