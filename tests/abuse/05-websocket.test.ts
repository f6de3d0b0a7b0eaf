import { expect, test } from 'bun:test'
import { openSession, startDoor } from '../support/door'
import { rawExchange, rawRequest } from '../support/raw-http'

test('[threat.05] no path speaks WebSocket, with or without a key or an origin', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const paths = ['/mcp', '/', '/health', '/ws', '/socket', '/mcp/ws', '/.well-known/x']
  const upgrades = ['websocket', 'WebSocket', 'WEBSOCKET', 'h2c', 'websocket, h2c', 'TLS/1.0']
  const extra: string[][] = [
    [],
    ['Origin: https://evil.example'],
    [`Origin: http://localhost:${door.port}`],
    [`Authorization: Bearer ${key}`, `Mcp-Session-Id: ${session}`, 'Accept: text/event-stream'],
    [`Authorization: Bearer ${key}`, 'Sec-WebSocket-Protocol: mcp'],
  ]
  for (const path of paths)
    for (const upgrade of upgrades) {
      const replies = await Promise.all(
        extra.map((headers) =>
          rawExchange(
            door.port,
            rawRequest(`GET ${path} HTTP/1.1`, [
              `Host: localhost:${door.port}`,
              'Connection: Upgrade',
              `Upgrade: ${upgrade}`,
              'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
              'Sec-WebSocket-Version: 13',
              ...headers,
            ]),
          ),
        ),
      )
      for (const reply of replies)
        expect([path, upgrade, [400, 403].includes(reply.statuses[0] ?? 400)]).toEqual([path, upgrade, true])
      expect(replies.some((reply) => reply.text.includes(' 101 '))).toBe(false)
    }
})

test('[threat.05] a page cannot open an EventSource: it can send no key', async () => {
  await using door = await startDoor()
  for (const origin of ['https://evil.example', 'null', undefined]) {
    const response = await fetch(door.url, {
      headers: { Accept: 'text/event-stream', ...(origin ? { Origin: origin } : {}) },
    })
    expect(response.status).toBe(origin ? 403 : 401)
    expect(response.headers.get('content-type')).toBe('application/json')
  }
})
