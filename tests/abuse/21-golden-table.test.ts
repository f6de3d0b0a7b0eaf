// Every credential at every route of every door, held against tables that a person reviewed:
//   21-golden-table-door.txt      what AI clients see, on each of its three origins
//   21-golden-table-admin.txt     the admin API, behind its listener and behind the control socket
// The routes are those the code has, so that one without a line fails. GOLDEN=write bun test … writes the tables anew.
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createActors } from '../../gateway/admin/actors'
import { openAdminListener } from '../../gateway/admin/listener'
import { mintAccessKey } from '../../gateway/auth/access-key'
import { readConfig } from '../../gateway/config'
import { createControlFetch } from '../../gateway/control/connect'
import { openLibc } from '../../gateway/control/libc'
import { controlPath } from '../../gateway/control/path'
import { openControlSocket } from '../../gateway/control/socket'
import type { Actor } from '../../gateway/domain/audit'
import { doorPaths } from '../../gateway/mcp/door'
import { ANSWERED_PATH, CALLBACK_PATH } from '../../gateway/oauth/callback'
import { systemRuntime } from '../../gateway/runtime'
import { paths as signInPaths } from '../../gateway/signin/discovery'
import { tempAdmin } from '../support/admin'
import { openSession, startDoor, type TestDoor } from '../support/door'
import { lineOf, matchGolden, outcomeOf } from '../support/golden-table'
import { initializeBody } from '../support/raw-client'

type Credential = [name: string, headers: Record<string, string>, query?: string]

const table = (name: string) => join(import.meta.dir, name)
const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

/** Everything somebody may have got hold of, and the token of the admin listener. */
async function credentialsOf(door: TestDoor, adminToken: string): Promise<Credential[]> {
  const { text: key, clientId } = door.keyFor('one')
  const expired = door.keyFor('one', Date.now() - 1).text
  const revoked = door.keyFor('one')
  door.stores.keys.revoke(revoked.keyId)
  door.events.emit('client.changed', { clientId })
  const unknown = mintAccessKey(systemRuntime.randomBytes).key.reveal()
  const session = await openSession(door.url, key)
  door.stores.applicants.put({
    id: 'app',
    kind: 'registered',
    name: 'app',
    redirectUris: ['http://127.0.0.1/x'],
  })
  const origin = `http://localhost:${door.port}`
  const { tokens, id } = await door.signIn.signIns.begin(
    { clientId, applicantId: 'app' },
    { issuer: origin, resource: `${origin}/mcp` },
  )
  const ended = await door.signIn.signIns.begin(
    { clientId, applicantId: 'app' },
    { issuer: origin, resource: `${origin}/mcp` },
  )
  door.signIn.signIns.revoke(ended.id)
  expect(id).not.toBe(ended.id)
  return [
    ['none', {}],
    ['empty', { authorization: '' }],
    ['malformed', bearer('mcp_short')],
    ['unknown key', bearer(unknown)],
    ['revoked key', bearer(revoked.text)],
    ['expired key', bearer(expired)],
    ['key', bearer(key)],
    ['key header', { 'mcp-key': key }],
    ['key under Basic', { authorization: `Basic ${btoa(`x:${key}`)}` }],
    ['key in a cookie', { cookie: `mcp-key=${key}` }],
    ['key in the query', {}, `?key=${key}`],
    ['two keys', { ...bearer(key), 'mcp-key': key }],
    ['session id', bearer(session)],
    ['access token', bearer(tokens.access_token)],
    ['access token as key header', { 'mcp-key': tokens.access_token }],
    ['access token in the query', {}, `?access_token=${tokens.access_token}`],
    ['access token of an ended sign-in', bearer(ended.tokens.access_token)],
    ['refresh token', bearer(tokens.refresh_token)],
    ['admin token', bearer(adminToken)],
    ['admin token as key header', { 'mcp-key': adminToken }],
    ['admin token in the query', {}, `?token=${adminToken}`],
    ['admin token and key', { ...bearer(adminToken), 'mcp-key': key }],
    ['admin token and key in one', { authorization: `Bearer ${adminToken}, Bearer ${key}` }],
  ]
}

/** A clock for limits that runs so fast that none is ever reached: they have tests of their own. */
const unlimited = { ...systemRuntime, monotonic: () => performance.now() * 100_000 }

const unsent = ['GET', 'HEAD']
const request = (url: string, method: string, headers: Record<string, string>, body: string) =>
  fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    ...(unsent.includes(method) ? {} : { body }),
  })

async function startAll() {
  const door = await startDoor({ runtime: unlimited })
  const api = tempAdmin()
  const actors = createActors()
  const handled: Actor[] = []
  const app = actors.behindDoor(api.app)
  const watched = {
    handle(asked: Request, by: Actor) {
      handled.push(by)
      return app.handle(asked, by)
    },
  }
  const admin = openAdminListener({ runtime: systemRuntime, app: watched, audit: () => undefined })
  const routes = api.app.routes
    .map(({ method, path }) => ({ method, path, asked: path.replace(/:[a-z]+/gi, 'some-id') }))
    .toSorted((a, b) => `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`, 'en'))
  expect(routes.length).toBeGreaterThan(50)
  return {
    door,
    admin,
    routes,
    handled,
    watched,
    credentials: await credentialsOf(door, admin.token.reveal()),
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]()
      api[Symbol.dispose]()
      await door[Symbol.asyncDispose]()
    },
  }
}

test('[threat.21] [threat.10] each credential comes to what the table says at every route of the door, on each origin', async () => {
  await using all = await startAll()
  const { door, routes, credentials } = all
  const own = [
    ...doorPaths,
    ...Object.values(signInPaths),
    CALLBACK_PATH,
    ANSWERED_PATH,
    '/',
    '/mcp/',
    '/nothing',
  ]
  // A path of the admin API is nothing here, and one line for all says so.
  const foreign = [...new Set(routes.map(({ asked }) => asked))].filter((path) => !own.includes(path))
  // Origins that come to the same share a line.
  const hosts = new Map<string, string[]>()
  const tell = (host: string, line: string) => hosts.set(line, [...(hosts.get(line) ?? []), host])
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    const origin = `http://${host}:${door.port}`
    for (const path of own) {
      // Methods that come to the same share a line.
      const found = new Map<string, string[]>()
      for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS']) {
        const outcomes = new Map<string, string>()
        for (const [name, headers, query = ''] of credentials)
          outcomes.set(
            name,
            await outcomeOf(await request(origin + path + query, method, headers, initializeBody())),
          )
        const line = lineOf([path], outcomes)
        found.set(line, [...(found.get(line) ?? []), method])
      }
      for (const [line, methods] of found) tell(host, `${methods.join(',')}  ${line}`)
    }
    const outcomes = new Map<string, string>()
    for (const [name, headers, query = ''] of credentials)
      for (const path of foreign) {
        const outcome = await outcomeOf(await request(origin + path + query, 'POST', headers, '{}'))
        const before = outcomes.get(name)
        outcomes.set(name, before === undefined || before === outcome ? outcome : `${before} or ${outcome}`)
      }
    tell(host, lineOf(['POST', 'every path of the admin API'], outcomes))
  }
  expect(door.problems).toEqual([])
  const lines = [...hosts].map(([line, of]) => `${of.join(',')}  ${line}`)
  matchGolden(table('21-golden-table-door.txt'), lines)
}, 120_000)

test('[threat.21] [threat.26] each credential comes to what the table says at every route of the admin API, and no other is handled', async () => {
  await using all = await startAll()
  const { admin, routes, credentials, handled } = all
  const lines: string[] = []
  for (const { method, path, asked } of [
    ...routes,
    { method: 'GET', path: '/nothing', asked: '/nothing' },
    { method: 'OPTIONS', path: '/keys', asked: '/keys' },
    { method: 'POST', path: '/mcp', asked: '/mcp' },
  ]) {
    const outcomes = new Map<string, string>()
    for (const [name, headers, query = ''] of credentials) {
      handled.length = 0
      outcomes.set(name, await outcomeOf(await request(admin.url + asked + query, method, headers, '{}')))
      const refused = outcomes.get(name) === '403 admin.forbidden'
      expect([name, method, path, handled.length]).toEqual([
        name,
        method,
        path,
        refused || method === 'OPTIONS' ? 0 : 1,
      ])
    }
    lines.push(lineOf(['listener', method, path], outcomes))
  }
  for (const line of await atTheSocket(all)) lines.push(line)
  matchGolden(table('21-golden-table-admin.txt'), lines)
}, 120_000)

/** Who may come to the control socket: the credential there is who they are. */
async function atTheSocket({
  routes,
  watched,
  handled,
}: Awaited<ReturnType<typeof startAll>>): Promise<string[]> {
  const libc = openLibc(process.platform)
  const callers: Record<string, Partial<Parameters<typeof openControlSocket>[0]>> = {
    'the user': {},
    'another user': {
      libc: {
        peerOf(descriptor) {
          const peer = libc.peerOf(descriptor)
          return peer && { ...peer, uid: peer.uid + 1 }
        },
      },
    },
    'nobody known': { libc: { peerOf: () => null } },
    'a descendant of a server': { isOurDescendant: () => true },
    'a process that is gone': { executableOf: () => null },
  }
  const results = new Map<string, Map<string, string>>()
  for (const [caller, over] of Object.entries(callers)) {
    const home = mkdtempSync(join(tmpdir(), 'mux-golden-'))
    const config = { ...readConfig(join(home, 'data')), runtimeDir: home }
    await using _ = openControlSocket({
      path: controlPath(config),
      app: watched,
      libc,
      isOurDescendant: () => false,
      executableOf: () => '/usr/bin/mcpmux',
      audit: () => undefined,
      ...over,
    })
    const ask = createControlFetch(config)
    for (const { method, path, asked } of routes) {
      handled.length = 0
      const stop = new AbortController()
      const answer = await ask(asked, {
        method,
        signal: stop.signal,
        ...(method === 'GET' ? {} : { body: '{}' }),
      })
      const outcome = await outcomeOf(answer)
      stop.abort()
      const known = results.get(`${method} ${path}`) ?? new Map<string, string>()
      results.set(`${method} ${path}`, known.set(caller, outcome))
      const by =
        caller === 'the user' ? [{ via: 'socket', pid: process.pid, executable: '/usr/bin/mcpmux' }] : []
      expect([caller, method, path, [...handled]]).toEqual([caller, method, path, by as Actor[]])
    }
    rmSync(home, { recursive: true, force: true })
  }
  return routes.map(({ method, path }) =>
    lineOf(['socket', method, path], results.get(`${method} ${path}`) ?? new Map()),
  )
}
