import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import type { Exchange } from '../../gateway/domain/exchange'
import { createOutlets } from '../../gateway/mcp/outlet'
import { createReplay } from '../../gateway/session/replay'
import { notificationMessage } from '../../gateway/wire/messages'
import { scanMessage } from '../../gateway/wire/scan'
import { callBody, openSession, sessionHeaders, startDoor, until } from '../support/door'
import { rawRequest } from '../support/raw-http'
import { readEvents } from '../support/sse-reader'

const idlePulse = { beat: 0, onBeat: () => () => {}, stop: () => {} }

test('[threat.69] a stream whose reader sleeps holds at most 256 messages or a mebibyte, then ends', async () => {
  for (const size of [10, 100_000]) {
    const { outlet, body } = createOutlets(idlePulse).open(() => {})
    let written = 0
    while (written < 10_000 && outlet.write(new Uint8Array(size).fill(120))) {
      written += 1
      // A turn, in which a reader that is awake would have read.
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    expect(written * size).toBeLessThanOrEqual(1024 * 1024 + size)
    expect(written).toBeLessThanOrEqual(257)
    expect(written).toBeGreaterThan(9)
    expect(outlet.write(new Uint8Array(1))).toBe(false)
    expect(await new Response(body).text()).toContain(': closed, the reader is too slow')
  }
})

test('[threat.69] a large message and small ones behind it in the same turn are no sign of a slow reader', async () => {
  const { outlet, body } = createOutlets(idlePulse).open(() => {})
  const reading = new Response(body).bytes()
  for (const size of [10, 3 * 1024 * 1024, 10, 10, 10])
    expect(outlet.write(new Uint8Array(size).fill(120))).toBe(true)
  outlet.end()
  expect((await reading).length).toBe(3 * 1024 * 1024 + 40)
})

test('[threat.69] a stream that is given up before its first byte was read still says what to ask for', async () => {
  const { outlet, body } = createOutlets(idlePulse).open(() => {})
  outlet.write(new TextEncoder().encode('id: first\ndata: \n\n'))
  for (let turns = 0; turns < 100 && outlet.write(new Uint8Array(200_000)); turns += 1)
    await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(await new Response(body).text()).toBe('id: first\ndata: \n\n: closed, the reader is too slow\n\n')
})

test('[threat.69] one message of any size goes out', async () => {
  const { outlet, body } = createOutlets(idlePulse).open(() => {})
  expect(outlet.write(new Uint8Array(8 * 1024 * 1024))).toBe(true)
  outlet.end()
  expect((await new Response(body).bytes()).length).toBe(8 * 1024 * 1024)
})

test('[threat.69] what is kept for replay is bounded in number, size and age', () => {
  let now = 0
  const replay = createReplay(() => now)
  for (let i = 1; i <= 1000; i += 1) replay.keep(1, i, new Uint8Array(10))
  expect(replay.after(1, 0).length).toBe(256)
  for (let i = 1; i <= 100; i += 1) replay.keep(2, i, new Uint8Array(100_000))
  expect(replay.after(2, 0).length).toBe(10)
  expect(replay.after(1, 0).length).toBe(0)
  replay.keep(3, 1, new Uint8Array(2 * 1024 * 1024))
  expect(replay.knows(3)).toBe(false)
  now += 5 * 60_000 + 1
  expect(replay.after(2, 0)).toEqual([])
})

test('[threat.69] what waits for a client that does not listen is bounded in size, and the newest of it arrives', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const [session] = [...door.sessions.list()]
  const label = session?.facts.label ?? ''
  const update = (uri: string, bytes: number) => {
    const params = { uri, pad: 'x'.repeat(bytes) }
    const message = scanMessage(notificationMessage('notifications/resources/updated', params))
    door.announce.resourceUpdated('server', uri, [label], message)
  }
  for (let i = 0; i < 20; i += 1) update(`test://${i}`, 200 * 1024)
  update('test://large', 2 * 1024 * 1024)
  update('test://last', 10)
  const stream = readEvents(await fetch(door.url, { headers }))
  const uris = () => stream.messages().map(({ params }) => (params as { uri: string }).uri)
  await until(() => stream.ended() || uris().includes('test://last'))
  expect(uris()).toEqual([15, 16, 17, 18, 19, 'last'].map((name) => `test://${name}`))
  expect(stream.ended()).toBe(false)
})

test('[threat.69] readers that stop reading do not grow the gateway, and the others go on', async () => {
  const calls: Exchange[] = []
  await using door = await startDoor({
    route: (_view, message, exchange) =>
      new Promise((resolve) => {
        if (message.params && message.bytes.length > 80) calls.push(exchange)
        else resolve(message.bytes)
      }),
  })
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const lines = [
    `Host: localhost:${door.port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  const body = callBody(1, 'tools/call', `{"stalled":"${'x'.repeat(60)}"}`)
  const sockets = Array.from({ length: 100 }, (_, id) => {
    const socket = connect(door.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    const own = body.replace('"id":1', `"id":"stalled ${id}"`)
    socket.write(rawRequest('POST /mcp HTTP/1.1', [...lines, `Content-Length: ${own.length}`], own))
    return socket
  })
  try {
    await until(() => calls.length === sockets.length)
    Bun.gc(true)
    const before = process.memoryUsage.rss()
    const flood = notificationMessage('notifications/progress', {
      progressToken: 1,
      progress: 1,
      message: 'x'.repeat(32_000),
    })
    for (let round = 0; round < 300; round += 1) {
      for (const call of calls) call.notify(flood)
      if (round % 20 === 0) await Bun.sleep(1)
    }
    Bun.gc(true)
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024)
    const response = await fetch(door.url, { method: 'POST', headers, body: callBody(2) })
    expect(response.status).toBe(200)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})
