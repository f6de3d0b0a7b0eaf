import { expect, test } from 'bun:test'
import { callBody, startDoor } from '../support/door'
import { rawExchange, rawRequest } from '../support/raw-http'

const badHosts = (port: number): string[] => [
  'evil.example',
  `evil.example:${port}`,
  `localhost.evil.example:${port}`,
  `evil.localhost:${port}`,
  `foo.localhost:${port}`,
  `localhost.:${port}`,
  `127.0.0.1.:${port}`,
  `127.0.0.1.nip.io:${port}`,
  `127.1:${port}`,
  `127.0.1:${port}`,
  `2130706433:${port}`,
  `0x7f000001:${port}`,
  `0177.0.0.1:${port}`,
  `127.0.0.2:${port}`,
  `0.0.0.0:${port}`,
  `0:${port}`,
  `[::]:${port}`,
  `[::ffff:127.0.0.1]:${port}`,
  `[0:0:0:0:0:0:0:1]:${port}`,
  `[::1%25lo]:${port}`,
  `::1:${port}`,
  'localhost',
  '127.0.0.1',
  '[::1]',
  `localhost:${port + 1}`,
  'localhost:80',
  'localhost:443',
  `localhost:0${port}`,
  `localhost:${port}0`,
  `localhost:+${port}`,
  `localhost:`,
  `:${port}`,
  `localhost:${port}:${port}`,
  `localhost:${port}/`,
  `localhost:${port}?`,
  `localhost:${port}#`,
  `localhost@evil.example:${port}`,
  `evil.example@localhost:${port}`,
  `user:pw@localhost:${port}`,
  `localhost:${port}, evil.example`,
  `evil.example, localhost:${port}`,
  `http://localhost:${port}`,
  `localhost%00:${port}`,
  `localhost\t:${port}`,
  `local host:${port}`,
  `lоcalhost:${port}`,
  `ⅼocalhost:${port}`,
  `localhost:${port}\x0b`,
]
const routes: [string, string][] = [
  ['GET', '/mcp'],
  ['POST', '/mcp'],
  ['DELETE', '/mcp'],
  ['OPTIONS', '/mcp'],
  ['PUT', '/mcp'],
  ['GET', '/health'],
  ['HEAD', '/health'],
  ['GET', '/'],
  ['GET', '/nothing'],
  ['GET', '/.well-known/oauth-protected-resource'],
  ['GET', '/oauth/callback'],
  ['POST', '/'],
]

test('[threat.02] a Host that is not exactly ours reaches nothing, on any route', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const hosts = badHosts(door.port)
  expect(hosts.length).toBeGreaterThanOrEqual(40)
  for (const host of hosts) {
    const replies = await Promise.all(
      routes.map(([method, path]) => {
        const body = method === 'POST' ? callBody(1, 'initialize', '{"protocolVersion":"2025-11-25"}') : ''
        return rawExchange(
          door.port,
          rawRequest(
            `${method} ${path} HTTP/1.1`,
            [
              `Host: ${Buffer.from(host, 'utf8').toString('latin1')}`,
              `Authorization: Bearer ${key}`,
              'Content-Type: application/json',
              'Accept: application/json, text/event-stream',
              'Connection: close',
              ...(body ? [`Content-Length: ${body.length}`] : []),
            ],
            body,
          ),
        )
      }),
    )
    for (const [index, reply] of replies.entries()) {
      const status = reply.statuses[0] ?? 400
      expect([host, routes[index], [400, 403].includes(status)]).toEqual([host, routes[index], true])
      expect(reply.text.toLowerCase()).not.toContain('access-control')
    }
  }
  expect([...door.sessions.list()].length).toBe(0)
  expect(door.seen).toEqual([])
})

test('[threat.02] the three spellings of this machine are served, in any case', async () => {
  await using door = await startDoor()
  const spellings = ['127.0.0.1', 'localhost', 'LOCALHOST', 'LocalHost', '[::1]']
  for (const host of spellings) {
    const reply = await rawExchange(
      door.port,
      rawRequest('GET /health HTTP/1.1', [`Host: ${host}:${door.port}`, 'Connection: close']),
    )
    expect([host, reply.statuses[0]]).toEqual([host, 200])
    expect(reply.text).toEndWith('{"status":"ok"}')
  }
})
