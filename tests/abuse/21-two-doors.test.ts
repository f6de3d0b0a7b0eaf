// Two doors, two credentials: what opens one is worthless at the other, and pages of a browser open neither.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { openAdminListener } from '../../gateway/admin/listener'
import { systemRuntime } from '../../gateway/runtime'
import { tempAdmin } from '../support/admin'
import { repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let key = ''
beforeAll(async () => {
  daemon = await startSourceDaemon()
  key = (await daemon.cli(['key', 'create', 'agent'])).stdout.trim()
})
afterAll(() => daemon[Symbol.asyncDispose]())

/** Routes of the admin API as the application itself lists them. */
function routes(): { method: string; path: string }[] {
  using admin = tempAdmin()
  return admin.app.routes.map(({ method, path }) => ({ method, path: path.replace(':id', 'some-id') }))
}

const send = (
  base: string,
  { method, path }: { method: string; path: string },
  headers: Record<string, string>,
) =>
  fetch(new URL(path, base), {
    method,
    headers: { ...headers, ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) },
    ...(method === 'GET' ? {} : { body: '{}' }),
    redirect: 'manual',
  })

const withoutToken = (key: string): Record<string, string>[] => [
  {},
  { authorization: `Bearer ${key}` },
  { authorization: `MCP-Key ${key}` },
  { 'mcp-key': key },
  { authorization: 'Bearer ' },
  { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' },
]

test('[threat.21] a client key opens no route of the admin door, in no form', async () => {
  expect(key).toStartWith('mcp_')
  expect(routes().length).toBeGreaterThan(30)
  for (const route of routes())
    for (const headers of withoutToken(key)) {
      const answer = await send(daemon.adminUrl, route, headers)
      const { code } = (await answer.json()) as { code: string }
      expect([route.method, route.path, answer.status, code]).toEqual([
        route.method,
        route.path,
        403,
        'admin.forbidden',
      ])
    }
  expect((await daemon.cli(['key', 'list'])).stdout).toContain('agent')
})

test('[threat.21] no admin route exists on the door of the clients', async () => {
  for (const route of routes()) {
    if (route.path === '/') continue
    const answer = await send(daemon.mcpUrl, route, { authorization: `Bearer ${key}` })
    await answer.text()
    expect([route.path, answer.status]).toEqual([route.path, 404])
  }
})

function admin(origin?: string) {
  const api = tempAdmin()
  const audits: string[] = []
  const listener = openAdminListener({
    runtime: systemRuntime,
    app: api.app,
    audit: ({ method, path }) => audits.push(`${method} ${path}`),
  })
  const ask = (headers: Record<string, string>, path = '/spaces', init: RequestInit = {}) =>
    fetch(`${listener.url}${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${listener.token.reveal()}`,
        ...(origin ? { origin } : {}),
        ...headers,
      },
    })
  return {
    ...listener,
    ask,
    audits,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]()
      api[Symbol.dispose]()
    },
  }
}

test('[threat.21] the token of this launch opens the admin door, and changes are audited', async () => {
  await using door = admin()
  expect((await door.ask({})).status).toBe(200)
  const made = await door.ask({ 'content-type': 'application/json' }, '/spaces', {
    method: 'POST',
    body: '{"name":"Work"}',
  })
  expect(made.status).toBe(200)
  expect(door.audits).toEqual(['POST /spaces'])
})

test('[threat.21] another launch has another token, and one bit less is no token', async () => {
  await using door = admin()
  await using other = admin()
  const token = door.token.reveal()
  expect(Buffer.from(token, 'base64url').length).toBe(32)
  for (const wrong of [
    other.token.reveal(),
    token.slice(0, -1),
    `${token}A`,
    token.toUpperCase(),
    '',
    `${token}, ${token}`,
  ]) {
    const answer = await door.ask({ authorization: `Bearer ${wrong}` })
    expect([wrong === token, answer.status]).toEqual([false, 403])
  }
  expect((await door.ask({ authorization: token })).status).toBe(403)
  expect((await door.ask({ authorization: '' }, `/spaces?token=${token}`)).status).toBe(403)
})

test('[threat.21] only the exact Host and Origin are served, even with the token', async () => {
  await using door = admin()
  const port = new URL(door.url).port
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`])
    expect([host, (await door.ask({ host })).status]).toEqual([host, 200])
  for (const host of [
    'evil.example',
    'localhost',
    '127.0.0.1',
    `localhost:${Number(port) + 1}`,
    `a.localhost:${port}`,
    `localhost.:${port}`,
    `localhost@evil.example:${port}`,
  ])
    expect([host, (await door.ask({ host })).status]).toEqual([host, 403])
  for (const origin of [`http://localhost:${port}`, `http://127.0.0.1:${port}`])
    expect([origin, (await door.ask({ origin })).status]).toEqual([origin, 200])
  for (const origin of [
    'null',
    'http://evil.example',
    'http://localhost',
    `https://localhost:${port}`,
    `http://localhost:${Number(port) + 1}`,
    `http://localhost:${port}.evil.example`,
  ])
    expect([origin, (await door.ask({ origin })).status]).toEqual([origin, 403])
})

test('[threat.21] no answer of the admin door opens it to other pages', async () => {
  await using door = admin()
  for (const answer of [
    await door.ask({}),
    await door.ask({ authorization: '' }),
    await door.ask({}, '/nowhere'),
    await door.ask({ origin: 'http://evil.example' }),
    await door.ask(
      { 'access-control-request-method': 'POST', 'access-control-request-private-network': 'true' },
      '/spaces',
      { method: 'OPTIONS' },
    ),
  ]) {
    const names = [...answer.headers.keys()]
    expect(names.filter((name) => name.startsWith('access-control') || name === 'server')).toEqual([])
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  }
})

test('[threat.21] the admin door does not become a WebSocket', async () => {
  await using door = admin()
  const socket = new WebSocket(`${door.url.replace('http', 'ws')}/events`)
  const outcome = await new Promise<string>((resolve) => {
    socket.onopen = () => resolve('open')
    socket.onerror = () => resolve('refused')
  })
  expect(outcome).toBe('refused')
})

test('[threat.21] the event stream ends with the door', async () => {
  const door = admin()
  const reader = (await door.ask({}, '/events')).body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('event: snapshot')
  await door[Symbol.asyncDispose]()
  const ended = await reader?.read().then(
    ({ done }) => done,
    () => true,
  )
  expect(ended).toBe(true)
})

test('[threat.21] a server may not steer the gateway that runs it, nor through a child that left its session', async () => {
  const program = join(repository, 'tests/servers/control-caller.ts')
  const run = [process.execPath, program, 'serve', daemon.dataDir, daemon.home, 'POST', '/spaces']
  const added = await daemon.cli(['add', 'caller', '--yes', '--', ...run])
  expect(added.stdout).toBe('caller: 1 tool\n')
  const { stdout } = await daemon.cli(['call', 'caller/steer'])
  const { own, detached } = JSON.parse(stdout) as { own: string; detached: string }
  expect([own, detached].map((answer) => answer.slice(0, 3))).toEqual(['403', '403'])
  expect(own).toContain('admin.forbidden')
  expect(daemon.log()).not.toContain('POST /spaces ')
})
