// What a page in a real browser can do to both doors. The page knows a valid key, a session and the admin token, so
// that only the doors themselves stand between it and a call.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openAdminListener } from '../../gateway/admin/listener'
import { openListener } from '../../gateway/mcp/listener'
import { systemRuntime } from '../../gateway/runtime'
import { tempAdmin } from '../support/admin'
import { browserInstalled, startAttacker } from '../support/attacker'
import { callBody, openSession, startDoor } from '../support/door'

type Attacker = Awaited<ReturnType<typeof startAttacker>>

/** The door of the clients, with a note of everything that came and of what it was answered. */
async function watchedDoor() {
  const door = await startDoor()
  const answers: string[] = []
  const listener = await openListener({
    host: 'localhost',
    port: 0,
    report: (error) => door.problems.push(error),
    handler(server) {
      const handle = door.door.handler(server)
      return async (request) => {
        const response = await handle(request)
        const cors = [...response.headers.keys()].filter((name) => name.startsWith('access-control-'))
        const origin = request.headers.has('origin') ? 'page' : 'nobody'
        answers.push([origin, request.method, response.status, ...cors].join(' '))
        return response
      }
    },
  })
  const { text: key } = door.keyFor('one')
  const session = await openSession(`http://127.0.0.1:${listener.port}/mcp`, key)
  answers.length = 0
  return {
    answers,
    seen: door.seen,
    problems: door.problems,
    port: listener.port,
    input: { key, session, body: callBody(1) },
    async [Symbol.asyncDispose]() {
      await listener.stop()
      await door[Symbol.asyncDispose]()
    },
  }
}

/** The admin door with its token given away, and a note of every request that got behind it. */
function watchedAdmin() {
  const api = tempAdmin()
  const handled: string[] = []
  const listener = openAdminListener({
    runtime: systemRuntime,
    app: {
      handle(request) {
        handled.push(`${request.method} ${request.url}`)
        return api.app.handle(request)
      },
    },
    audit: () => undefined,
  })
  const names = () => api.deps.spaces.list().map(({ name }) => name)
  return {
    handled,
    port: Number(new URL(listener.url).port),
    input: { key: listener.token.reveal(), session: 'none', body: '{"name":"Mine"}' },
    before: names(),
    spaces: names,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]()
      api[Symbol.dispose]()
    },
  }
}

/** A program on loopback that guards nothing: what gets through there is what the doors are up against. */
function naiveServer() {
  const taken: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const text = await request.text()
      taken.push(`${request.method} ${request.headers.get('content-type') ?? '-'} ${text}`)
      return new Response('{}')
    },
  })
  return { taken, port: server.port ?? 0, [Symbol.asyncDispose]: () => server.stop(true) }
}

const at = (host: string, port: number, path = '') => `http://${host}:${port}${path}`
/** A page that says where it comes from is told no; what a browser sends without that has no key. */
const refused = /^(page [A-Z]+ 403|nobody [A-Z]+ (400|401|403|405))$/
const ownNames = ['127.0.0.1', 'localhost', '[::1]']
const strangeNames = ['0.0.0.0', 'foo.localhost', 'evil.test']

for (const guarded of [true, false]) {
  const how = guarded ? 'with walls of its own' : 'without walls of its own'

  describe.if(browserInstalled)(`a browser ${how}`, () => {
    let attacker: Attacker
    beforeAll(async () => {
      attacker = await startAttacker({ guarded })
    })
    afterAll(() => attacker[Symbol.asyncDispose]())

    test('[threat.04] [threat.05] [threat.06] a page of another origin calls no tool', async () => {
      await using door = await watchedDoor()
      const targets = [...ownNames, ...strangeNames].map((name) => at(name, door.port, '/mcp'))
      for (const from of [attacker.near, attacker.far]) {
        const outcome = await attacker.attack({ from, targets, ...door.input })
        expect(outcome.tried).toBe(targets.length * 27)
        expect([from, outcome.seen, outcome.cors]).toEqual([from, [], []])
      }
      // They did arrive, and were refused.
      expect(door.answers.length).toBeGreaterThan(50)
      expect(door.answers.filter((answer) => !refused.test(answer))).toEqual([])
      expect([door.seen, door.problems]).toEqual([[], []])
    })

    test('[threat.02] [threat.06] a name that was rebound to loopback reaches no handler', async () => {
      await using door = await watchedDoor()
      for (const name of strangeNames) {
        const from = at(name, door.port)
        const targets = [`${from}/mcp`, `${from}/health`]
        // Everything is answered here, so that only a busy machine needs the patience.
        const outcome = await attacker.attack({ from, targets, ...door.input, patienceMs: 20_000 })
        // Of the same origin, so that the page may read the answer, which says no.
        expect(outcome.seen.filter((line) => !line.includes(': 403 {"code":"http.bad_host"'))).toEqual([])
        expect([name, outcome.cors]).toEqual([name, []])
        if (!guarded) expect([name, outcome.seen.length > 10]).toEqual([name, true])
      }
      expect(door.answers.filter((answer) => !/ (400|403)$/.test(answer))).toEqual([])
      expect([door.seen, door.problems]).toEqual([[], []])
    })

    test('[threat.21] [threat.06] no page opens the admin door, not even with its token', async () => {
      await using door = watchedAdmin()
      const names = ['127.0.0.1', 'localhost', ...strangeNames]
      const targets = names.map((name) => at(name, door.port, '/spaces'))
      for (const from of [attacker.near, attacker.far]) {
        const outcome = await attacker.attack({ from, targets, ...door.input })
        expect([from, outcome.seen, outcome.cors]).toEqual([from, [], []])
        if (from === attacker.near) expect(outcome.answers.length).toBeGreaterThan(20)
      }
      for (const name of strangeNames) {
        const from = at(name, door.port)
        const outcome = await attacker.attack({ from, targets: [`${from}/spaces`], ...door.input })
        expect([name, outcome.seen.filter((line) => !line.includes(': 403 ')), outcome.cors]).toEqual([
          name,
          [],
          [],
        ])
      }
      expect([door.handled, door.spaces()]).toEqual([[], door.before])
    })

    test('[threat.06] the same page does reach a program that guards nothing', async () => {
      await using server = naiveServer()
      const targets = [at('127.0.0.1', server.port, '/mcp')]
      const input = { targets, key: 'k', session: 's', body: callBody(1) }
      await attacker.attack({ from: attacker.near, ...input })
      const calls = () => server.taken.filter((line) => line.includes('tools/call')).length
      expect(calls()).toBeGreaterThan(5)
      if (guarded) return
      const before = calls()
      await attacker.attack({ from: attacker.far, ...input })
      expect(calls()).toBeGreaterThan(before + 5)
    })
  })
}
