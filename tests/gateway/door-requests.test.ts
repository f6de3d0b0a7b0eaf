import { expect, test } from 'bun:test'
import { callBody, openSession, sessionHeaders, startDoor } from '../support/door'
import { initializeBody, mcpHeaders } from '../support/raw-client'

const post = (url: string, headers: Record<string, string>, body: string) =>
  fetch(url, { method: 'POST', headers, body })

test('[mcp.lifecycle] initialize opens a session and says what the gateway can', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const response = await post(door.url, mcpHeaders(key), initializeBody('2025-06-18'))
  expect(response.status).toBe(200)
  expect(response.headers.get('mcp-session-id')).toMatch(/^[!-~]{22,}$/)
  expect(await response.json()).toEqual({
    jsonrpc: '2.0',
    id: 0,
    result: {
      protocolVersion: '2025-06-18',
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
      serverInfo: { name: 'mcpmux', title: 'McpMux', version: '0.0.0' },
    },
  })
})

test('[mcp.lifecycle] an unknown revision is answered with the latest that has sessions', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  for (const [asked, spoken] of [
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2099-01-01', '2025-11-25'],
  ] as const) {
    const response = await post(door.url, mcpHeaders(key), initializeBody(asked))
    const { result } = (await response.json()) as { result: { protocolVersion: string } }
    expect(result.protocolVersion).toBe(spoken)
  }
})

test('[mcp.http] a call is answered with JSON, 202 takes notifications, and ids keep their type', async () => {
  await using door = await startDoor()
  const { text: key, clientId } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const initialized = await post(door.url, headers, '{"jsonrpc":"2.0","method":"notifications/initialized"}')
  expect(initialized.status).toBe(202)
  expect(await initialized.text()).toBe('')
  for (const id of [1, '1', 'ä"\\', 9007199254740991]) {
    const response = await post(door.url, headers, callBody(id))
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id,
      result: { method: 'tools/call', client: clientId, space: 'space' },
    })
  }
  expect(await (await post(door.url, headers, callBody(2, 'ping'))).json()).toEqual({
    jsonrpc: '2.0',
    id: 2,
    result: {},
  })
  expect(door.seen).toEqual(Array(4).fill('tools/call'))
})

test('[mcp.http] what is not as the specification has it gets its own status and code', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const good = sessionHeaders(key, session)
  const { 'Mcp-Session-Id': _, ...noSession } = good
  const cases: [string, Record<string, string>, string, number, string | number][] = [
    ['no session', noSession, callBody(1), 400, 'session.missing'],
    ['unknown session', { ...good, 'Mcp-Session-Id': 'x' }, callBody(1), 404, 'session.unknown'],
    ['version', { ...good, 'mcp-protocol-version': '2099-01-01' }, callBody(1), 400, 'rpc.protocol_version'],
    ['type', { ...good, 'Content-Type': 'text/plain' }, callBody(1), 415, 'http.unsupported_media_type'],
    [
      'type in a parameter',
      { ...good, 'Content-Type': 'text/plain; a=application/json' },
      callBody(1),
      415,
      'http.unsupported_media_type',
    ],
    ['json only', { ...good, Accept: 'application/json' }, callBody(1), 406, 'http.not_acceptable'],
    [
      'refused stream',
      { ...good, Accept: 'application/json, text/event-stream;q=0' },
      callBody(1),
      406,
      'http.not_acceptable',
    ],
    ['not JSON', good, '{"jsonrpc":"2.0",', 400, 'rpc.parse'],
    ['batch', good, `[${callBody(1)}]`, 400, 'rpc.batch'],
    ['no message', good, '{}', 400, 'rpc.invalid'],
    ['float id', good, '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, 'rpc.invalid'],
    ['initialize without version', good, callBody(1, 'initialize'), 200, 'rpc.params'],
    ['level', good, callBody(1, 'logging/setLevel', '{"level":"loud"}'), 200, 'rpc.params'],
  ]
  for (const [name, headers, body, status, code] of cases) {
    const response = await post(door.url, headers, body)
    const answer = (await response.json()) as { error?: { data: { code: string } } }
    expect([name, response.status, answer.error?.data.code]).toEqual([name, status, code])
  }
  for (const accept of ['*/*', 'application/*, text/*', 'text/event-stream;q=0.9 , application/json'])
    expect((await post(door.url, { ...good, Accept: accept }, callBody(1))).status).toBe(200)
  for (const type of ['application/json; charset=utf-8', 'Application/JSON'])
    expect((await post(door.url, { ...good, 'Content-Type': type }, callBody(1))).status).toBe(200)
  for (const method of ['PUT', 'PATCH', 'HEAD'])
    expect((await fetch(door.url, { method, headers: good })).status).toBe(405)
})

test('[mcp.http] DELETE ends a session, and it is unknown from then on', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const ended = await fetch(door.url, { method: 'DELETE', headers })
  expect(ended.status).toBe(204)
  expect((await post(door.url, headers, callBody(1))).status).toBe(404)
  expect((await fetch(door.url, { method: 'DELETE', headers })).status).toBe(404)
  expect((await fetch(door.url, { headers })).status).toBe(404)
  expect(door.released.length).toBe(1)
})

test('[limits] too many calls of one client, or of all, are refused at once and places come back', async () => {
  const waiting: (() => void)[] = []
  await using door = await startDoor({
    route: (_view, message) => new Promise((resolve) => waiting.push(() => resolve(message.bytes))),
  })
  door.stores.settings.set('limits.client_in_flight', 3)
  door.stores.settings.set('limits.requests', 5)
  const one = door.keyFor('one')
  const two = door.keyFor('two')
  const ones = sessionHeaders(one.text, await openSession(door.url, one.text))
  const twos = sessionHeaders(two.text, await openSession(door.url, two.text))
  const open: Promise<Response>[] = []
  for (let id = 0; id < 3; id += 1) {
    const before = waiting.length
    open.push(post(door.url, ones, callBody(id)))
    while (waiting.length === before) await Bun.sleep(1)
  }
  const busy = await post(door.url, ones, callBody(9))
  expect(await busy.json()).toMatchObject({ id: 9, error: { data: { code: 'upstream.busy' } } })
  for (let id = 0; id < 2; id += 1) {
    const before = waiting.length
    open.push(post(door.url, twos, callBody(id)))
    while (waiting.length === before) await Bun.sleep(1)
  }
  const full = await post(door.url, twos, callBody(9))
  expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
  for (const finish of waiting.splice(0)) finish()
  for (const response of open) expect((await response).status).toBe(200)
  expect(door.door.inFlight()).toBe(0)
})

test('[mcp.http] the answer to a failure inside says nothing of it', async () => {
  await using door = await startDoor({
    route: () => {
      throw new Error('secret /home/somebody')
    },
  })
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const response = await post(door.url, headers, callBody('a'))
  expect(await response.json()).toEqual({
    jsonrpc: '2.0',
    id: 'a',
    error: { code: -32603, message: 'internal error', data: { code: 'internal' } },
  })
  expect(door.problems.length).toBe(1)
  expect(door.door.inFlight()).toBe(0)
})
