import { expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import { callBody, openSession, sessionHeaders, startDoor, until } from '../support/door'

test('[threat.68] slow headers and slow bodies are cut off, and everybody else is served meanwhile', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const withKey = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  const beginnings = [
    'POST /mcp HTTP/1.1\r\nHost: local',
    'G',
    '',
    `POST /mcp HTTP/1.1\r\nHost: localhost:${door.port}\r\n${withKey}Content-Length: 1000\r\n\r\n{`,
    `POST /mcp HTTP/1.1\r\nHost: localhost:${door.port}\r\n${withKey}Transfer-Encoding: chunked\r\n\r\n5\r\n{`,
  ]
  let closed = 0
  const sockets: Socket[] = []
  for (let i = 0; i < 250; i += 1) {
    const socket = connect(door.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => (closed += 1))
    socket.resume()
    socket.write(beginnings[i % beginnings.length] ?? '')
    sockets.push(socket)
  }
  try {
    for (let round = 0; round < 20; round += 1) {
      const statuses = await Promise.all(
        Array.from(
          { length: 20 },
          async (_, id) => (await fetch(door.url, { method: 'POST', headers, body: callBody(id) })).status,
        ),
      )
      expect(new Set(statuses)).toEqual(new Set([200]))
    }
    await until(() => closed === sockets.length, 60_000)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  expect((await fetch(`http://127.0.0.1:${door.port}/health`)).status).toBe(200)
})

test('[threat.68] [limits] bodies that take room while they arrive have their places, and small requests go on', async () => {
  await using door = await startDoor()
  door.stores.settings.set('limits.requests', 5)
  door.stores.settings.set('limits.client_in_flight', 3)
  const one = door.keyFor('one').text
  const two = door.keyFor('two').text
  const ones = sessionHeaders(one, await openSession(door.url, one))
  const twos = sessionHeaders(two, await openSession(door.url, two))
  const large = callBody(1, 'tools/call', JSON.stringify({ pad: 'x'.repeat(100_000) }))
  const statusOf = async (headers: Record<string, string>, body: string) =>
    (await fetch(door.url, { method: 'POST', headers, body })).status
  const sockets: Socket[] = []
  /** Announces a long body and keeps it back. Begins again when one of the requests below had the place just then. */
  const begin = (headers: Record<string, string>, length: string) => {
    const lines = Object.entries({ Host: `localhost:${door.port}`, ...headers })
    const socket = connect(door.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.once('data', () => begin(headers, length))
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.write(`POST /mcp HTTP/1.1\r\n${head}${length}\r\n\r\n1\r\n{`)
    sockets.push(socket)
  }
  try {
    expect(await statusOf(ones, large)).toBe(200)
    for (let i = 0; i < 3; i += 1)
      begin(ones, i === 0 ? 'Transfer-Encoding: chunked' : 'Content-Length: 99999')
    await until(async () => (await statusOf(ones, large)) === 503)
    expect(await statusOf(twos, large)).toBe(200)
    for (let i = 0; i < 2; i += 1) begin(twos, 'Content-Length: 99999')
    await until(async () => (await statusOf(twos, large)) === 503)
    const cancelled = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'
    expect(await statusOf(ones, cancelled)).toBe(202)
    for (const socket of sockets) socket.destroy()
    await until(async () => (await statusOf(ones, large)) === 200)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

test('[threat.68] a quiet stream and a slow answer of a client with a key are not cut off', async () => {
  let finish = () => {}
  await using door = await startDoor({
    route: (_view, message) =>
      new Promise((resolve) => {
        finish = () => resolve(message.bytes)
      }),
  })
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const listening = await fetch(door.url, { headers })
  const reader = listening.body?.getReader()
  expect((await reader?.read())?.done).toBe(false)
  const slow = fetch(door.url, { method: 'POST', headers, body: callBody(1) })
  await Bun.sleep(14_000)
  finish()
  const text = await (await slow).text()
  expect(text).toContain('"method":"tools/call"')
  expect((await reader?.read())?.done).toBe(false)
  await reader?.cancel()
})
