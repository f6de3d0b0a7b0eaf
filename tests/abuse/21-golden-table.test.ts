// Every credential at every route of both doors, and what each comes to.
import { expect, test } from 'bun:test'
import { openAdminListener } from '../../gateway/admin/listener'
import { systemRuntime } from '../../gateway/runtime'
import { tempAdmin } from '../support/admin'
import { callBody, openSession, sessionHeaders, startDoor } from '../support/door'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvbmUifQ.c2ln'

test('[threat.21] each credential opens its own door and no route of the other', async () => {
  await using door = await startDoor()
  using api = tempAdmin()
  const handled: string[] = []
  await using admin = openAdminListener({
    runtime: systemRuntime,
    app: {
      handle(request) {
        handled.push(request.method)
        return api.app.handle(request)
      },
    },
    audit: () => undefined,
  })
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const token = admin.token.reveal()
  const credentials: [name: string, headers: Record<string, string>][] = [
    ['none', {}],
    ['key', { authorization: `Bearer ${key}` }],
    ['key header', { 'mcp-key': key }],
    ['token', { authorization: `Bearer ${token}` }],
    ['token as key', { 'mcp-key': token }],
    ['token as MCP-Key', { authorization: `MCP-Key ${token}` }],
    ['jwt', { authorization: `Bearer ${jwt}` }],
    ['session', { authorization: `Bearer ${session}` }],
    ['both', { authorization: `Bearer ${token}`, 'mcp-key': key }],
    ['both in one', { authorization: `Bearer ${token}, Bearer ${key}` }],
    ['basic', { authorization: `Basic ${btoa(`x:${token}`)}` }],
    ['cookie', { cookie: `token=${token}; mcp-key=${key}` }],
  ]
  const routes = api.app.routes.map(({ method, path }) => ({
    method,
    path: path.replace(/:[a-z]+/gi, 'some-id'),
  }))
  expect(routes.length).toBeGreaterThan(30)
  const ask = async (base: string, method: string, path: string, headers: Record<string, string>) => {
    const answer = await fetch(new URL(path, base), {
      method,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      ...(method === 'GET' ? {} : { body: '{}' }),
    })
    // The stream of events never ends by itself.
    await answer.body?.cancel()
    return answer.status
  }
  let letIn = 0
  for (const [name, headers] of credentials)
    for (const { method, path } of routes) {
      const before = handled.length
      const status = await ask(admin.url, method, path, headers)
      const opens = name === 'token' || name === 'both'
      expect([name, method, path, status === 403, handled.length - before]).toEqual([
        name,
        method,
        path,
        !opens,
        opens ? 1 : 0,
      ])
      if (opens) letIn += 1
    }
  expect(letIn).toBe(routes.length * 2)

  const rest = Object.fromEntries(
    Object.entries(sessionHeaders(key, session)).filter(([name]) => name !== 'Authorization'),
  )
  for (const [name, headers] of credentials) {
    const right = name === 'key' || name === 'key header'
    for (const method of ['POST', 'GET', 'DELETE']) {
      if (right && method !== 'POST') continue
      const answer = await fetch(door.url, {
        method,
        headers: { ...rest, ...headers },
        ...(method === 'POST' ? { body: callBody(1) } : {}),
      })
      await answer.body?.cancel()
      expect([name, method, answer.status]).toEqual([name, method, right ? 200 : 401])
    }
    for (const { method, path } of routes)
      if (path !== '/')
        expect([name, path, await ask(door.url, method, path, headers)]).toEqual([name, path, 404])
  }
  expect(door.seen).toEqual(['tools/call', 'tools/call'])
}, 60_000)
