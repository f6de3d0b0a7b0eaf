import { expect, test } from 'bun:test'
import { startDoor } from '../support/door'
import { rawExchange, rawRequest } from '../support/raw-http'

test('[threat.03] a missing, doubled or malformed Host is refused as such, whatever it asks for', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const good = `Host: localhost:${door.port}`
  const heads: [string, string[]][] = [
    ['HTTP/1.1', []],
    ['HTTP/1.0', []],
    ['HTTP/1.1', ['Host:']],
    ['HTTP/1.1', ['Host: ']],
    ['HTTP/1.1', [good, good]],
    ['HTTP/1.1', [good, 'Host: evil.example']],
    ['HTTP/1.1', ['Host: evil.example', good]],
    ['HTTP/1.1', [good, 'host: evil.example']],
    ['HTTP/1.1', ['Host: localhost@evil.example']],
    ['HTTP/1.1', [`Host: localhost:${door.port}/health?`]],
    ['HTTP/1.1', [`Host: localhost:${door.port}/mcp#`]],
    ['HTTP/1.1', ['Host: [::1']],
    ['HTTP/1.1', ['Host: ::1]']],
    ['HTTP/1.1', ['Host: [::1]]:1']],
    ['HTTP/1.1', [`Host: localhost:${door.port}\\@evil.example`]],
    ['HTTP/1.1', ['Host: localhost:99999']],
    ['HTTP/1.1', ['Host: localhost:-1']],
    ['HTTP/1.1', ['Host: %6cocalhost']],
    ['HTTP/1.1', [`Host : localhost:${door.port}`]],
    ['HTTP/1.1', [` Host: localhost:${door.port}`]],
    ['HTTP/1.1', ['X: 1', ` Host: localhost:${door.port}`]],
    ['HTTP/1.1', [`Host: "localhost:${door.port}"`]],
    ['HTTP/1.1', [`Host: localhost:${door.port};evil`]],
    ['HTTP/1.1', [`X-Forwarded-Host: localhost:${door.port}`, 'Host: evil.example']],
    ['HTTP/1.1', [`Forwarded: host=localhost:${door.port}`, 'Host: evil.example']],
    ['HTTP/1.1', [':authority: localhost']],
  ]
  const targets = [
    '/mcp',
    '/health',
    '/./mcp',
    '//mcp',
    '/nothing',
    '/health?x',
    `http://localhost:${door.port}/mcp`,
    'http://evil.example/mcp',
    '*',
  ]
  for (const [version, headers] of heads) {
    const replies = await Promise.all(
      targets.map((target) =>
        rawExchange(
          door.port,
          rawRequest(`GET ${target} ${version}`, [
            ...headers,
            `Authorization: Bearer ${key}`,
            'Connection: close',
          ]),
        ),
      ),
    )
    for (const [index, reply] of replies.entries())
      expect([
        headers,
        targets[index],
        reply.statuses.filter((status) => ![400, 403].includes(status)),
      ]).toEqual([headers, targets[index], []])
  }
  expect(door.seen).toEqual([])
  expect(door.problems).toEqual([])
  expect((await fetch(`http://127.0.0.1:${door.port}/health`)).status).toBe(200)
})
