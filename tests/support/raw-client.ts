// A client that sends and reads bytes as they are, for what an SDK would normalise.
export interface RawSession {
  id: string
  /** POSTs a body as it is; resolves with the JSON-RPC response message as text, out of JSON or of the SSE stream. */
  post(
    body: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; message: string; headers: Headers }>
  end(): Promise<void>
}

export const mcpHeaders = (key: string): Record<string, string> => ({
  Authorization: `Bearer ${key}`,
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
})

export const initializeBody = (version = '2025-11-25', capabilities = '{}') =>
  `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${version}","capabilities":${capabilities},"clientInfo":{"name":"raw","version":"1"}}}`

export async function openRawSession(url: string, key: string, version = '2025-11-25'): Promise<RawSession> {
  const opened = await fetch(url, { method: 'POST', headers: mcpHeaders(key), body: initializeBody(version) })
  const id = opened.headers.get('mcp-session-id')
  if (!id) throw new Error(`no session: ${opened.status} ${await opened.text()}`)
  await opened.text()
  const session: RawSession = {
    id,
    async post(body, headers = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...mcpHeaders(key), 'Mcp-Session-Id': id, 'MCP-Protocol-Version': version, ...headers },
        body,
      })
      const text = await response.text()
      const streamed = response.headers.get('content-type')?.startsWith('text/event-stream')
      return { status: response.status, message: streamed ? lastData(text) : text, headers: response.headers }
    },
    async end() {
      await fetch(url, { method: 'DELETE', headers: { ...mcpHeaders(key), 'Mcp-Session-Id': id } })
    },
  }
  await session.post('{"jsonrpc":"2.0","method":"notifications/initialized"}')
  return session
}

/** Data of the last event that has any. */
export function lastData(stream: string): string {
  const events = stream.split('\n\n').map((event) =>
    event
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).replace(/^ /, ''))
      .join('\n'),
  )
  return events.filter((data) => data.trim() !== '').at(-1) ?? ''
}
