// Which key a session id is signed with, and what is left of a session when that key is gone.
import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { callBody, openSession, sessionHeaders, startDoor, type TestDoor } from '../support/door'
import { manualClock, tempFolder } from '../support/temp-store'

const inVault = new Uint8Array(32).fill(3)

const post = async (door: TestDoor, key: string, session: string) => {
  const headers = sessionHeaders(key, session)
  const reply = await fetch(door.url, { method: 'POST', headers, body: callBody(1) })
  return { status: reply.status, text: await reply.text() }
}
const status = async (door: TestDoor, key: string, session: string) => (await post(door, key, session)).status

/** All sessions out of memory, as after half an hour without a call. */
async function rest(door: TestDoor, clock: ReturnType<typeof manualClock>): Promise<void> {
  clock.advance(31 * 60_000)
  while ([...door.sessions.list()].length > 0) await Bun.sleep(5)
}

test('[sessions.jwt] without a vault sessions live as long as the process, and those opened with one survive it', async () => {
  using folder = tempFolder()
  const file = `${folder.path}/mcpmux.db`
  const clock = manualClock(Date.now())
  let [key, early, late] = ['', '', '']
  let vault: Uint8Array | null = null
  {
    await using door = await startDoor({ file, runtime: clock, beatMs: 5, sessionKey: () => vault })
    key = door.keyFor('one').text
    early = await openSession(door.url, key)
    expect(door.sessionKeys.keyIn()).toBe('memory')
    await rest(door, clock)
    expect(await status(door, key, early)).toBe(200)

    vault = inVault
    expect(door.sessionKeys.keyIn()).toBe('vault')
    late = await openSession(door.url, key)
    await rest(door, clock)
    expect(await status(door, key, early)).toBe(200)
    expect(await status(door, key, late)).toBe(200)
  }
  await using after = await startDoor({ file, runtime: clock, sessionKey: () => vault })
  expect(await status(after, key, late)).toBe(200)
  const lost = await post(after, key, early)
  expect(lost).toEqual(await post(after, key, 'never-was'))
  expect(lost.status).toBe(404)
  expect(await status(after, key, await openSession(after.url, key))).toBe(200)
})

test('[sessions.jwt] a new key in the vault ends every session that is not in memory', async () => {
  const clock = manualClock(Date.now())
  let vault = inVault
  await using door = await startDoor({ runtime: clock, beatMs: 5, sessionKey: () => vault })
  const { text: key } = door.keyFor('one')
  const resting = await openSession(door.url, key)
  await rest(door, clock)
  const open = await openSession(door.url, key)
  vault = new Uint8Array(32).fill(4)
  expect(await status(door, key, open)).toBe(200)
  expect(await status(door, key, resting)).toBe(404)
})

test('[sessions.jwt] [threat.12] deleted, too old, revoked and foreign sessions are told in the same bytes', async () => {
  const clock = manualClock(Date.now())
  await using door = await startDoor({ runtime: clock, beatMs: 5 })
  const one = door.keyFor('one')
  const two = door.keyFor('two')
  const old = await openSession(door.url, one.text)
  await rest(door, clock)
  clock.advance(30 * 86_400_000)
  const deleted = await openSession(door.url, one.text)
  const headers = sessionHeaders(one.text, deleted)
  expect((await fetch(door.url, { method: 'DELETE', headers })).status).toBe(204)
  const second = door.keyFor('one')
  const revoked = await openSession(door.url, second.text)
  door.stores.keys.revoke(second.keyId)
  door.events.emit('client.revoked', { clientId: second.clientId, credentialId: second.keyId })
  const foreign = await openSession(door.url, two.text)
  await rest(door, clock)
  const unknown = await post(door, one.text, 'never-was')
  expect(unknown.status).toBe(404)
  for (const id of [old, deleted, revoked, foreign]) expect(await post(door, one.text, id)).toEqual(unknown)
  expect(await status(door, two.text, foreign)).toBe(200)
})

test('[sessions.jwt] [limits] a vault whose key cannot be stored, because the disk is full, holds no session back', async () => {
  let full = true
  await using door = await startDoor({
    sessionKey: () => {
      if (full) throw new GatewayError('store.unwritable')
      return inVault
    },
  })
  const { text: key } = door.keyFor('one')
  expect(await status(door, key, await openSession(door.url, key))).toBe(200)
  expect(door.sessionKeys.keyIn()).toBe('memory')
  full = false
  expect(door.sessionKeys.keyIn()).toBe('vault')
  expect(door.problems).toEqual([])
})

test('[sessions.jwt] requests that come together restore one session', async () => {
  const clock = manualClock(Date.now())
  await using door = await startDoor({ runtime: clock, beatMs: 5 })
  const { text: key } = door.keyFor('one')
  const id = await openSession(door.url, key)
  await rest(door, clock)
  const statuses = await Promise.all(Array.from({ length: 20 }, () => status(door, key, id)))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect([...door.sessions.list()].length).toBe(1)
})

test('[sessions.jwt] [threat.11] a key that is revoked while its session is restored, or opened, is of no use', async () => {
  const clock = manualClock(Date.now())
  let meanwhile = () => {}
  await using door = await startDoor({
    runtime: clock,
    beatMs: 5,
    sessionKey: () => {
      meanwhile()
      return inVault
    },
  })
  const revoking = ({ clientId, keyId }: ReturnType<TestDoor['keyFor']>) => {
    meanwhile = () => {
      meanwhile = () => {}
      door.stores.keys.revoke(keyId)
      door.events.emit('client.revoked', { clientId, credentialId: keyId })
    }
  }
  for (const method of ['POST', 'GET', 'DELETE']) {
    const old = door.keyFor('one')
    const id = await openSession(door.url, old.text)
    await rest(door, clock)
    revoking(old)
    const headers = sessionHeaders(old.text, id)
    const reply = await fetch(door.url, { method, headers, ...(method === 'POST' && { body: callBody(1) }) })
    expect([method, reply.status]).toEqual([method, 401])
    expect(await status(door, door.keyFor('one').text, id)).toBe(200)
    await rest(door, clock)
  }
  const opening = door.keyFor('one')
  revoking(opening)
  await expect(openSession(door.url, opening.text)).rejects.toThrow('401')
  expect(door.seen.length).toBe(3)
  expect([...door.sessions.list()]).toEqual([])
})
