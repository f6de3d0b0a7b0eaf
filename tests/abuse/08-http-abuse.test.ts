import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { callBody, openSession, startDoor } from '../support/door'
import { abuseCases } from '../support/http-abuse-cases'
import { rawExchange, rawRequest } from '../support/raw-http'

async function inTurns<T, R>(items: readonly T[], width: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += width)
    results.push(...(await Promise.all(items.slice(at, at + width).map(run))))
  return results
}

test('[threat.08] three hundred abuses of HTTP get a plain refusal each, and nothing gets through', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const all = abuseCases(door.port, key, session)
  expect(all.length).toBeGreaterThanOrEqual(300)
  const wrong = await inTurns(all, 16, async ({ name, data, allowed }) => {
    const reply = await rawExchange(door.port, Buffer.from(data, 'latin1'))
    const status = reply.statuses[0] ?? 400
    const guarded =
      reply.statuses.length === 0 ||
      !reply.text.includes('\r\n\r\n{') ||
      /x-content-type-options: nosniff/i.test(reply.text)
    const clean = !/access-control-|^server:|x-powered-by|\n\s+at /im.test(reply.text)
    return allowed.includes(status) && guarded && clean ? null : `${name}: ${reply.text.slice(0, 200)}`
  })
  expect(wrong.filter((one) => one !== null)).toEqual([])
  expect(door.seen).toEqual(['tools/call'])
  expect(door.problems).toEqual([])
  expect((await fetch(`http://127.0.0.1:${door.port}/health`)).status).toBe(200)
})

test('[threat.08] a request hidden behind another is not answered as the other caller', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const inner = rawRequest(
    'POST /mcp HTTP/1.1',
    [`Host: localhost:${door.port}`, 'Content-Type: application/json', 'Content-Length: 2'],
    '{}',
  )
  const outer = rawRequest(
    'POST /mcp HTTP/1.1',
    [
      `Host: localhost:${door.port}`,
      `Authorization: Bearer ${key}`,
      `Mcp-Session-Id: ${session}`,
      'Content-Type: application/json',
      'Accept: */*',
      `Content-Length: ${callBody(1).length}`,
    ],
    callBody(1),
  )
  const reply = await rawExchange(door.port, outer + inner)
  expect(reply.statuses).toEqual([200, 401])
})

/** Bytes that hardly ever are HTTP, and requests that always are, in which something is wrong or nothing. */
function requests(
  port: number,
  key: string,
  session: string,
): fc.Arbitrary<{ data: string; complete: boolean }> {
  const token = fc.oneof(
    fc.constantFrom('GET', 'POST', '/mcp', '/health', ' ', '\r\n', ':', 'Host', `localhost:${port}`),
    fc.constantFrom('HTTP/1.1', 'Content-Length', '5', 'Transfer-Encoding', 'chunked', '\x00', ','),
    fc.constantFrom(`Bearer ${key}`, 'Authorization', '{"jsonrpc":"2.0"}'),
    fc.string({ maxLength: 8 }),
  )
  const garbage = fc
    .array(token, { maxLength: 24 })
    .map((tokens) => ({ data: `${tokens.join('')}\r\n\r\n`, complete: false }))

  const visible = fc.string({
    unit: fc.constantFrom(...'aZ09:/?#[]@!$&()*+,;=%.-_~ "<>\\^`{|}\t\x80\xff'),
    maxLength: 12,
  })
  const mostly = <T>(good: T, ...others: fc.Arbitrary<T>[]) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(good) },
      ...others.map((arbitrary) => ({ weight: 1, arbitrary })),
    )
  const name = fc.constantFrom(
    'Origin',
    'Accept',
    'MCP-Protocol-Version',
    'Last-Event-ID',
    'Cookie',
    'Upgrade',
    'Expect',
    'MCP-Key',
  )
  const shaped = fc
    .record({
      method: mostly('POST', fc.constantFrom('GET', 'DELETE', 'PUT', 'OPTIONS', 'HEAD', 'PATCH')),
      path: mostly(
        '/mcp',
        fc.constantFrom('/', '/health', '//mcp', '/mcp/', '/mcp?x', '/%6dcp', '/./mcp', '/MCP'),
        visible.map((text) => `/${text.replaceAll(/[\s#]/g, '')}`),
      ),
      host: mostly(
        `localhost:${port}`,
        fc.constantFrom(`127.0.0.1:${port}`, 'localhost', 'evil.example', ''),
        visible,
      ),
      credential: mostly(
        `Bearer ${key}`,
        fc.constantFrom('', 'Bearer', `bearer  ${key}`, `Basic ${key}`, key),
        visible,
      ),
      session: mostly(session, fc.constantFrom('', 'x'), visible),
      type: mostly(
        'application/json',
        fc.constantFrom('text/plain', 'application/json; charset=utf-8'),
        visible,
      ),
      more: fc.array(fc.tuple(name, visible), { maxLength: 3 }),
      body: mostly(
        callBody(1),
        fc.constantFrom('', '[]', '{', 'null', callBody(2, 'ping')),
        fc.json(),
        visible,
      ),
      chunked: mostly(false, fc.constant(true)),
    })
    .map(({ method, path, host, credential, session: id, type, more, body, chunked }) => {
      const bytes = Buffer.from(body).toString('latin1')
      const size = bytes.length
      const headers = [
        `Host: ${host}`,
        `Authorization: ${credential}`,
        // A right DELETE would end the session for all that follow.
        `Mcp-Session-Id: ${method === 'DELETE' ? '' : id}`,
        `Content-Type: ${type}`,
        ...more.map(([header, value]) => `${header}: ${value}`),
        chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`,
        'Connection: close',
      ]
      const framed = size > 0 ? `${size.toString(16)}\r\n${bytes}\r\n0\r\n\r\n` : '0\r\n\r\n'
      return {
        data: rawRequest(`${method} ${path} HTTP/1.1`, headers, chunked ? framed : bytes),
        complete: true,
      }
    })
  return fc.oneof({ weight: 1, arbitrary: garbage }, { weight: 4, arbitrary: shaped })
}

test('[threat.08] whatever is sent, there is no server error and no hang', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const samples = fc.sample(requests(door.port, key, session), { numRuns: 10_000, seed: 8 })
  const answered = new Map<number, number>()
  const bad = await inTurns(samples, 100, async ({ data, complete }) => {
    // Of what hardly is a request the rest may be waited for in vain; the status is all that is looked at.
    const waits = { firstMs: complete ? 60_000 : 5000, quietMs: 20 }
    const reply = await rawExchange(door.port, Buffer.from(data, 'latin1'), waits)
    const [status = 0] = reply.statuses
    answered.set(status, (answered.get(status) ?? 0) + 1)
    const failed = reply.statuses.some((one) => one >= 500 && one !== 501 && one !== 505)
    const hung = complete && reply.text === '' && !reply.closed
    return failed || hung ? `${data} => ${reply.text}` : null
  })
  expect(bad.filter((one) => one !== null)).toEqual([])
  expect(door.problems).toEqual([])
  // Every step of the door refused some, and some were right.
  for (const status of [200, 400, 401, 403, 404, 405, 415])
    expect([status, (answered.get(status) ?? 0) > 20]).toEqual([status, true])
  expect((await fetch(`http://127.0.0.1:${door.port}/health`)).status).toBe(200)
})
