// A raw client of the older era that can be asked things: it reads each call's stream as it comes.
import { initializeBody, mcpHeaders } from './raw-client'
import { readEvents } from './sse-reader'

export interface OpenCall {
  /** Messages on the stream of this call so far, parsed. */
  messages(): Record<string, unknown>[]
  text(): string
  /** Resolves with the answer to the call itself. */
  answer(): Promise<Record<string, unknown>>
}

export interface AskedClient {
  id: string
  call(id: number, tool: string, args?: object): Promise<OpenCall>
  send(message: string): Promise<number>
  /** The stream for what comes outside calls. */
  listen(): Promise<OpenCall>
}

export async function openAskedClient(url: string, key: string, capabilities: object): Promise<AskedClient> {
  const body = initializeBody('2025-11-25', JSON.stringify(capabilities))
  const opened = await fetch(url, { method: 'POST', headers: mcpHeaders(key), body })
  const id = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  const headers = { ...mcpHeaders(key), 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-11-25' }
  const post = (text: string) => fetch(url, { method: 'POST', headers, body: text })

  async function follow(response: Response, answerId: number | null): Promise<OpenCall> {
    const json = response.headers.get('content-type')?.startsWith('application/json')
    const whole = json ? await response.text() : null
    const reader = readEvents(response)
    const messages = () =>
      whole === null ? reader.messages() : [JSON.parse(whole) as Record<string, unknown>]
    return {
      messages,
      text: () => whole ?? reader.text(),
      async answer() {
        await reader.finished
        const found = messages().find((message) => message.id === answerId && !('method' in message))
        if (!found) throw new Error(`no answer in ${whole ?? reader.text()}`)
        return found
      },
    }
  }

  return {
    id,
    call: async (callId, tool, args = {}) => {
      const params = { name: tool, arguments: args }
      const message = { jsonrpc: '2.0', id: callId, method: 'tools/call', params }
      return follow(await post(JSON.stringify(message)), callId)
    },
    send: async (message) => (await post(message)).status,
    listen: async () =>
      follow(await fetch(url, { headers: { ...headers, Accept: 'text/event-stream' } }), null),
  }
}
