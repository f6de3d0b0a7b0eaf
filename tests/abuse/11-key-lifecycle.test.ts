import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { mintAccessKey } from '../../gateway/auth/access-key'
import { systemRuntime } from '../../gateway/runtime'
import { notificationMessage } from '../../gateway/wire/messages'
import {
  callBody,
  echoRoute,
  emptyView,
  openSession,
  sessionHeaders,
  startDoor,
  until,
} from '../support/door'
import { initializeBody, mcpHeaders } from '../support/raw-client'
import { readEvents } from '../support/sse-reader'
import { startSourceDaemon } from '../support/source-daemon'
import { manualClock } from '../support/temp-store'

const post = (url: string, headers: Record<string, string>, body = callBody(1)) =>
  fetch(url, { method: 'POST', headers, body })

test('[threat.11] guessing is slowed down, on loopback too, and a client with a key never notices', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const late = door.keyFor('two').text
  const statuses = new Map<number, number>()
  for (let i = 0; i < 1000; i += 1) {
    const wrong = mintAccessKey(systemRuntime.randomBytes).key.reveal()
    const response = await post(
      door.url,
      { ...mcpHeaders(wrong), 'X-Forwarded-For': `10.0.0.${i % 250}` },
      initializeBody(),
    )
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    if (response.status === 429) expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
  }
  expect([...statuses.keys()].sort()).toEqual([401, 429])
  expect(statuses.get(429) ?? 0).toBeGreaterThan(500)
  expect((await post(door.url, headers)).status).toBe(200)
  expect((await post(door.url, mcpHeaders(late), initializeBody())).status).toBe(200)
})

test('[threat.11] [keys] no file of the data folder holds a key', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const session = await openSession(door.url, key)
  expect((await post(door.url, sessionHeaders(key, session))).status).toBe(200)
  const files = [...new Bun.Glob('**/*').scanSync({ cwd: door.stores.folder, dot: true, absolute: true })]
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    const content = readFileSync(file, 'latin1')
    expect([file, content.includes(key), content.includes(session)]).toEqual([file, false, false])
  }
})

test('[threat.11] [keys] a revoked key ends its sessions and open streams', async () => {
  await using door = await startDoor()
  const one = door.keyFor('one')
  const spare = door.keyFor('one')
  const other = door.keyFor('two')
  const headers = sessionHeaders(one.text, await openSession(door.url, one.text))
  const spared = sessionHeaders(spare.text, await openSession(door.url, spare.text))
  const others = sessionHeaders(other.text, await openSession(door.url, other.text))
  const listening = readEvents(await fetch(door.url, { headers }))
  const sparedStream = readEvents(await fetch(door.url, { headers: spared }))
  const otherStream = readEvents(await fetch(door.url, { headers: others }))
  await until(() => listening.text() !== '' && sparedStream.text() !== '' && otherStream.text() !== '')

  door.stores.keys.revoke(one.keyId)
  door.events.emit('client.revoked', { clientId: one.clientId, credentialId: one.keyId })
  await listening.finished
  expect((await post(door.url, headers)).status).toBe(401)
  expect((await post(door.url, { ...headers, Authorization: `Bearer ${spare.text}` })).status).toBe(404)
  expect((await post(door.url, spared)).status).toBe(200)
  expect((await post(door.url, others)).status).toBe(200)
  expect([sparedStream.ended(), otherStream.ended()]).toEqual([false, false])

  door.events.emit('client.revoked', { clientId: one.clientId, credentialId: null })
  await sparedStream.finished
  expect(otherStream.ended()).toBe(false)
  expect([...door.sessions.list()].length).toBe(1)
})

test('[threat.11] [keys] rotating a key leaves the session to the new one', async () => {
  await using door = await startDoor()
  const old = door.keyFor('one')
  const session = await openSession(door.url, old.text)
  const fresh = door.keyFor('one')
  door.stores.keys.revoke(old.keyId)
  door.events.emit('client.changed', { clientId: old.clientId })
  expect((await post(door.url, sessionHeaders(old.text, session))).status).toBe(401)
  expect((await post(door.url, sessionHeaders(fresh.text, session))).status).toBe(200)
})

test('[threat.11] [keys] a revoked key keeps no stream of a session that another key used since', async () => {
  await using door = await startDoor()
  const one = door.keyFor('one')
  const spare = door.keyFor('one')
  const headers = sessionHeaders(one.text, await openSession(door.url, one.text))
  const listening = readEvents(await fetch(door.url, { headers }))
  await until(() => listening.text() !== '')
  const spared = { ...headers, Authorization: `Bearer ${spare.text}` }
  expect((await post(door.url, spared)).status).toBe(200)

  door.stores.keys.revoke(one.keyId)
  door.events.emit('client.revoked', { clientId: one.clientId, credentialId: one.keyId })
  await listening.finished
  expect((await post(door.url, headers)).status).toBe(401)
})

test('[threat.11] [keys] rotating a key ends the streams the old one opened, and only those', async () => {
  const open: (() => void)[] = []
  await using door = await startDoor({
    route: async (_view, message, exchange) => {
      exchange.notify(notificationMessage('notifications/progress', { progressToken: 1, progress: 1 }))
      await new Promise<void>((resolve) => open.push(resolve))
      return echoRoute(emptyView(), message, exchange)
    },
  })
  const old = door.keyFor('one')
  const fresh = door.keyFor('one')
  const session = await openSession(door.url, old.text)
  const kept = await openSession(door.url, old.text)
  const headers = sessionHeaders(old.text, session)
  const listening = readEvents(await fetch(door.url, { headers }))
  const calling = readEvents(await post(door.url, headers))
  const keptListening = readEvents(await fetch(door.url, { headers: sessionHeaders(fresh.text, kept) }))
  await until(() => [listening, calling, keptListening].every((stream) => stream.text() !== ''))

  door.stores.keys.revoke(old.keyId)
  door.events.emit('key.ended', { clientId: old.clientId, credentialId: old.keyId })
  await Promise.all([listening.finished, calling.finished])
  expect(keptListening.ended()).toBe(false)
  expect((await fetch(door.url, { headers })).status).toBe(401)
  for (const finish of open) finish()
  const again = await fetch(door.url, { headers: sessionHeaders(fresh.text, session) })
  expect(again.status).toBe(200)
  await again.body?.cancel()
})

test('[threat.11] [keys] a key that is revoked while a body arrives does not carry the call', async () => {
  await using door = await startDoor()
  const one = door.keyFor('one')
  const spare = door.keyFor('one')
  const session = await openSession(door.url, one.text)
  const body = callBody(1)
  const slow = (key: string) => {
    const sent = Promise.withResolvers<void>()
    const rest = Promise.withResolvers<void>()
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from(body.slice(0, 20)))
        sent.resolve()
        await rest.promise
        controller.enqueue(Buffer.from(body.slice(20)))
        controller.close()
      },
    })
    const answer = fetch(door.url, { method: 'POST', headers: sessionHeaders(key, session), body: stream })
    return { sent: sent.promise, answer, finish: rest.resolve }
  }
  const revoked = slow(one.text)
  const good = slow(spare.text)
  await Promise.all([revoked.sent, good.sent])
  // Both are let in and wait for the rest of their bodies.
  await Bun.sleep(200)
  expect((await post(door.url, sessionHeaders(spare.text, session), callBody(2, 'ping'))).status).toBe(200)
  door.stores.keys.revoke(one.keyId)
  door.events.emit('client.changed', { clientId: one.clientId })
  revoked.finish()
  good.finish()
  expect([(await revoked.answer).status, (await good.answer).status]).toEqual([401, 200])
  expect(door.seen).toEqual(['tools/call'])
})

test('[threat.11] [keys] a key stops counting when it expires, also one that was just used', async () => {
  const clock = manualClock(Date.now())
  await using door = await startDoor({ runtime: clock, beatMs: 10 })
  const { text: key } = door.keyFor('one', clock.now() + 60_000)
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const listening = readEvents(await fetch(door.url, { headers }))
  await until(() => listening.text() !== '')
  expect((await post(door.url, headers)).status).toBe(200)
  clock.advance(60_000)
  expect((await fetch(door.url, { headers })).status).toBe(401)
  expect((await fetch(door.url, { method: 'DELETE', headers })).status).toBe(401)
  expect((await post(door.url, headers)).status).toBe(401)
  expect((await post(door.url, headers)).status).toBe(401)
  await listening.finished
})

test('[keys] when a key was last used is written down, not on every call', async () => {
  await using door = await startDoor()
  const { text: key, keyId, clientId } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  for (let i = 0; i < 20; i += 1) await post(door.url, headers)
  expect(door.stores.keys.get(keyId).lastUsedAt).toBeNull()
  door.usage.close()
  expect(door.stores.keys.get(keyId).lastUsedAt).toBeGreaterThan(0)
  expect(door.stores.clients.get(clientId).lastSeenAt).toBeGreaterThan(0)
})

test('[threat.11] [keys] the commands rotate and revoke end open streams of a running gateway within a second', async () => {
  await using daemon = await startSourceDaemon()
  const listen = async (key: string, session: string) => {
    const stream = readEvents(await fetch(daemon.mcpUrl, { headers: sessionHeaders(key, session) }))
    await until(() => stream.text() !== '')
    return stream
  }
  const first = (await daemon.cli(['key', 'create', 'agent'])).stdout.trim()
  const session = await openSession(daemon.mcpUrl, first)
  const before = await listen(first, session)
  const second = (await daemon.cli(['key', 'rotate', 'agent'])).stdout.trim()
  await before.finished
  expect((await fetch(daemon.mcpUrl, { headers: sessionHeaders(first, session) })).status).toBe(401)

  const after = await listen(second, session)
  expect((await daemon.cli(['key', 'revoke', 'agent'])).code).toBe(0)
  await after.finished
  expect((await fetch(daemon.mcpUrl, { headers: sessionHeaders(second, session) })).status).toBe(401)
})
