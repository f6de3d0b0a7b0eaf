// The addresses of the sign-in are behind the same guard as everything else, and answer under one name only.
import { expect, test } from 'bun:test'
import { paths } from '../../gateway/signin/discovery'
import { startDoor } from '../support/door'
import { rawExchange, rawRequest } from '../support/raw-http'
import { authorizeUrl, originOf, register } from '../support/signed-in'

test('[threat.02] [threat.08] [signin] a sign-in under any other name than localhost is refused before anything is looked at', async () => {
  await using door = await startDoor()
  const { port } = door
  const id = await register(door)
  const query = new URL(authorizeUrl(door, { client_id: id }).url).search
  const hosts = [
    'evil.test',
    `evil.test:${port}`,
    `localhost.evil.test:${port}`,
    `localhost:${port}.evil.test`,
    `foo.localhost:${port}`,
    `localhost.:${port}`,
    `localhost:${port + 1}`,
    `localhost`,
    `0.0.0.0:${port}`,
    `127.1:${port}`,
    `localhost@evil.test:${port}`,
    `evil.test@localhost:${port}`,
    `localhost:${port}/`,
    `localhost:0${port}`,
    `[::]:${port}`,
    `[::ffff:127.0.0.1]:${port}`,
    '',
  ]
  for (const path of Object.values(paths)) {
    const [method, body, type] = ['/oauth/register', '/oauth/token', '/oauth/revoke'].includes(path)
      ? ['POST', '{"redirect_uris":["http://localhost:1/"]}', 'application/json']
      : ['GET', '', 'text/plain']
    const headers = [`Content-Type: ${type}`, `Content-Length: ${body.length}`, 'Connection: close']
    const from = (host: string, more: string[] = []) =>
      rawExchange(
        port,
        rawRequest(`${method} ${path}${query} HTTP/1.1`, [`Host: ${host}`, ...more, ...headers], body),
      )
    for (const host of hosts) {
      const { text, statuses } = await from(host)
      expect([path, host, statuses.length === 1 && [400, 403].includes(statuses[0] ?? 0)]).toEqual([
        path,
        host,
        true,
      ])
      expect(text.toLowerCase()).not.toMatch(/access-control|set-cookie|location:/)
    }
    // The two names for access keys know nothing of it.
    for (const host of [`127.0.0.1:${port}`, `[::1]:${port}`])
      expect((await from(host)).statuses).toEqual([404])
    // What a rebound page or a foreign one sends says where it comes from.
    for (const origin of ['https://evil.test', 'null', `http://localhost:${port + 1}`])
      expect((await from(`localhost:${port}`, [`Origin: ${origin}`])).statuses).toEqual([403])
    // A second name in a header counts for nothing.
    const forwarded = await from(`127.0.0.1:${port}`, [
      `X-Forwarded-Host: localhost:${port}`,
      `Forwarded: host=localhost:${port}`,
    ])
    expect(forwarded.statuses).toEqual([404])
  }
  // Paths are compared as they are.
  for (const path of [
    '//oauth/authorize',
    '/oauth//authorize',
    '/oauth/authorize/',
    '/OAuth/authorize',
    '/oauth/%61uthorize',
    '/oauth/authorize;x',
    '/.well-known/../oauth/wait',
    '/.well-known/oauth-authorization-server/',
  ]) {
    const { statuses } = await rawExchange(
      port,
      rawRequest(`GET ${path}${query} HTTP/1.1`, [`Host: localhost:${port}`, 'Connection: close']),
    )
    expect([path, statuses.length === 1 && statuses[0] !== 303 && statuses[0] !== 200]).toEqual([path, true])
  }
  expect(door.signIn.decisions.list()).toEqual([])
  expect(originOf(door)).toBe(`http://localhost:${port}`)
  expect(door.problems).toEqual([])
})
