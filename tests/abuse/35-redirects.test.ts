import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openLeg, rejection, testFetch } from '../support/remote-leg'

interface Logged {
  path: string
  method: string
  body: string
  authorization: string | null
}

// `first` redirects /STATUS/to/WHERE; `second` is another origin, which must never hear of anything.
const firstLog: Logged[] = []
const secondLog: Logged[] = []
let first: ReturnType<typeof Bun.serve>
let second: ReturnType<typeof Bun.serve>

const logged = async (request: Request): Promise<Logged> => ({
  path: new URL(request.url).pathname,
  method: request.method,
  body: await request.text(),
  authorization: request.headers.get('authorization'),
})

beforeAll(() => {
  second = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      secondLog.push(await logged(request))
      return new Response('{}', { headers: { 'content-type': 'application/json' } })
    },
  })
  first = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      firstLog.push(await logged(request))
      const [, status, where] = /^\/(\d{3})\/(\w+)/.exec(new URL(request.url).pathname) ?? []
      if (!status || !where) {
        return new Response(
          '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","found":true}}',
          {
            headers: { 'content-type': 'application/json' },
          },
        )
      }
      const targets: Record<string, string> = {
        second: `${second.url}taken`,
        same: '/landed',
        again: `/${status}/again`,
        userinfo: `http://a:b@127.0.0.1:${first.port}/landed`,
        otherHost: `http://localhost:${first.port}/landed`,
        file: 'file:///etc/passwd',
        scheme: `https://127.0.0.1:${first.port}/landed`,
        protocolRelative: `//127.0.0.1:${second.port}/taken`,
      }
      return new Response(null, { status: Number(status), headers: { location: targets[where] ?? '' } })
    },
  })
})
afterAll(async () => {
  await first.stop(true)
  await second.stop(true)
})

const statuses = [301, 302, 303, 307, 308]
const headers = { authorization: 'Bearer canary' }

describe('an MCP endpoint', () => {
  for (const status of statuses) {
    for (const where of ['second', 'otherHost', 'file', 'scheme', 'protocolRelative', 'userinfo']) {
      test(`[threat.35] HTTP ${status} to ${where} is an error`, async () => {
        for (const transport of ['http', 'sse'] as const) {
          const open = openLeg(`${first.url}${status}/${where}`, { transport, headers }).then((leg) =>
            leg.handshake(),
          )
          expect((await rejection(open)).code).toBe('net.redirect')
        }
        expect(secondLog).toEqual([])
      })
    }
    test(`[threat.35] HTTP ${status} on its own origin ${status > 306 ? 'keeps method, body and headers' : 'is an error'}`, async () => {
      const mark = firstLog.length
      await using leg = await openLeg(`${first.url}${status}/same`, { headers })
      if (status <= 306) {
        expect((await rejection(leg.handshake())).code).toBe('net.redirect')
        expect(firstLog.slice(mark).map(({ path }) => path)).not.toContain('/landed')
      } else {
        expect((await leg.call('initialize')).text).toContain('"found":true')
        const landed = firstLog.slice(mark).find(({ path }) => path === '/landed')
        expect(landed?.method).toBe('POST')
        expect(landed?.body).toContain('"initialize"')
        expect(landed?.authorization).toBe('Bearer canary')
      }
    })
  }
})

describe('a request that allows no redirect', () => {
  for (const status of statuses) {
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      test(`[threat.35] ${method} answered with HTTP ${status} is an error, even on the same origin`, async () => {
        const safeFetch = testFetch()
        for (const where of ['same', 'second']) {
          const url = new URL(`${first.url}${status}/${where}`)
          const body =
            method === 'POST' ? new TextEncoder().encode('code=canary&code_verifier=canary') : undefined
          const error = await rejection(safeFetch(url, { trust: { kind: 'typed' }, method, headers, body }))
          expect(error.code).toBe('net.redirect')
          expect(error.message).not.toContain('127.0.0.1')
        }
        expect(secondLog).toEqual([])
      })
    }
  }
})

describe('what a server or a document named', () => {
  const body = new TextEncoder().encode('code=canary&code_verifier=canary')
  for (const status of statuses)
    for (const method of ['GET', 'POST'] as const)
      test(`[threat.35] ${method} answered with HTTP ${status} leaves its origin never, and changes nothing on it`, async () => {
        const trust = { kind: 'found', typedUrl: first.url.href } as const
        const ask = (where: string) =>
          testFetch()(new URL(`${first.url}${status}/${where}`), {
            ...{ trust, method, headers, redirects: 'same-origin' },
            ...(method === 'POST' && { body }),
          })
        for (const where of ['second', 'otherHost', 'file', 'scheme', 'protocolRelative', 'userinfo'])
          expect([where, (await rejection(ask(where))).code]).toEqual([where, 'net.redirect'])
        expect(secondLog).toEqual([])
        const mark = firstLog.length
        if (method === 'POST' && status <= 303) {
          expect((await rejection(ask('same'))).code).toBe('net.redirect')
          expect(firstLog.length).toBe(mark + 1)
        } else {
          expect(await (await ask('same')).text()).toContain('"found":true')
          expect(firstLog[mark + 1]).toMatchObject({
            path: '/landed',
            method,
            authorization: 'Bearer canary',
          })
          expect(firstLog[mark + 1]?.body).toBe(method === 'POST' ? new TextDecoder().decode(body) : '')
        }
      })

  test('[threat.35] a redirect that leads on and on is followed three times', async () => {
    for (const trust of [{ kind: 'found', typedUrl: first.url.href }, { kind: 'typed' }] as const) {
      const mark = firstLog.length
      const asked = testFetch()(new URL(`${first.url}308/again`), { trust, redirects: 'same-origin' })
      expect((await rejection(asked)).code).toBe('net.redirect')
      expect(firstLog.length).toBe(mark + 4)
    }
  })
})
