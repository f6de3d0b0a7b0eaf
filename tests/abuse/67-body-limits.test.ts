import { expect, test } from 'bun:test'
import { callBody, openSession, sessionHeaders, startDoor } from '../support/door'
import { rawExchange, rawRequest } from '../support/raw-http'

const MiB = 1024 * 1024
const padded = (bytes: number) => {
  const [head = '', tail = ''] = callBody(1, 'tools/call', '{"pad":"PAD"}').split('PAD')
  return head + 'x'.repeat(bytes - head.length - tail.length) + tail
}

test('[threat.67] [limits] a body up to the limit is taken, one byte more is refused, announced or not', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const headers = sessionHeaders(key, session)
  const fits = await fetch(door.url, { method: 'POST', headers, body: padded(4 * MiB) })
  expect(fits.status).toBe(200)
  const lines = [
    `Host: localhost:${door.port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  const announced = await rawExchange(
    door.port,
    rawRequest('POST /mcp HTTP/1.1', [...lines, `Content-Length: ${4 * MiB + 1}`], '{"json'),
  )
  expect([announced.statuses, announced.closed]).toEqual([[413], true])

  const chunked = padded(6 * MiB)
  const streamed = await fetch(door.url, {
    method: 'POST',
    headers,
    body: new ReadableStream({
      start(controller) {
        for (let at = 0; at < chunked.length; at += MiB)
          controller.enqueue(new TextEncoder().encode(chunked.slice(at, at + MiB)))
        controller.close()
      },
    }),
  }).then(
    (response) => response.status,
    () => 413,
  )
  expect(streamed).toBe(413)
  expect(door.seen.length).toBe(1)

  door.stores.settings.set('limits.body_bytes', 2048)
  const small = await rawExchange(
    door.port,
    rawRequest('POST /mcp HTTP/1.1', [...lines, 'Content-Length: 2049'], ''),
  )
  expect(small.statuses).toEqual([413])
  expect((await fetch(door.url, { method: 'POST', headers, body: callBody(1) })).status).toBe(200)
})

test('[threat.67] depth bombs, batches and odd ids are refused before anything is done', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const deep = (depth: number) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`
  const bodies = [
    deep(500_000),
    deep(1000),
    '['.repeat(3 * MiB),
    '{"a":'.repeat(500_000),
    `[${callBody(1)},${callBody(2)}]`,
    callBody(1).replace('"id":1', '"id":9007199254740993'),
    callBody(1).replace('"id":1', '"id":1.0'),
    callBody(1).replace('"id":1', '"id":1e3'),
    callBody(1).replace('"id":1', '"id":null'),
    callBody(1).replace('"id":1', '"id":true'),
    callBody(1).replace('"id":1', '"id":[1]'),
    callBody(1).replace('"id":1', '"id":1,"id":2'),
    `\ufeff${callBody(1)}`,
  ]
  for (const body of bodies) {
    const response = await fetch(door.url, { method: 'POST', headers, body })
    expect([body.slice(0, 80), response.status]).toEqual([body.slice(0, 80), 400])
  }
  expect(door.seen).toEqual([])
})

test('[threat.67] keys that mean something to JavaScript mean nothing here', async () => {
  await using door = await startDoor()
  const { text: key, clientId } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  for (const params of [
    '{"__proto__":{"clientId":"x","admin":true}}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"toString":1,"hasOwnProperty":1}',
  ]) {
    const body = callBody(1, 'tools/call', params).replace(
      '{"jsonrpc"',
      '{"__proto__":{"method":"x"},"jsonrpc"',
    )
    const response = await fetch(door.url, { method: 'POST', headers, body })
    expect(await response.json()).toMatchObject({ result: { client: clientId, method: 'tools/call' } })
  }
  expect(({} as Record<string, unknown>).admin).toBeUndefined()
})

test('[threat.67] many large bodies at once are all answered', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const body = padded(4 * MiB)
  const statuses = await Promise.all(
    Array.from({ length: 24 }, async () => (await fetch(door.url, { method: 'POST', headers, body })).status),
  )
  expect(new Set(statuses)).toEqual(new Set([200]))
})
