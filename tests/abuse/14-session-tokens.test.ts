// The id of a session is a token that we signed for this client and this purpose, or it is nothing.
import { createHash } from 'node:crypto'
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { isSessionOf, signSession } from '../../gateway/session/session-token'
import { systemRuntime } from '../../gateway/runtime'
import { callBody, openSession, sessionHeaders, startDoor, type TestDoor } from '../support/door'
import { claimsOf, forgedTokens, header, signed } from '../support/forged-tokens'

const key = new Uint8Array(32).map((_, index) => index * 7)

/** What each way of naming a session answers, without the id of the request. */
async function answers(url: string, accessKey: string, session: string): Promise<string[]> {
  const headers = sessionHeaders(accessKey, session)
  const replies = [
    await fetch(url, { method: 'POST', headers, body: callBody(1) }),
    await fetch(url, { headers }),
    await fetch(url, { method: 'DELETE', headers }),
  ]
  return Promise.all(
    replies.map(async (reply) => {
      const named = [...reply.headers].filter(([name]) => name !== 'date')
      return JSON.stringify([reply.status, named.toSorted(), await reply.text()])
    }),
  )
}

/** Stores a session under the hash of this id, so that nothing but the look at the id itself keeps it out. */
const plant = (door: TestDoor, clientId: string, id: string) =>
  door.stores.sessions.save({
    id: createHash('sha256').update(id).digest('hex'),
    clientId,
    protocolVersion: '2025-11-25',
    clientInfo: '{}',
    clientCapabilities: '{}',
    logLevel: null,
    createdAt: Date.now(),
    lastSeenAt: Date.now(),
  })

test('[threat.14] [sessions.jwt] of all tokens that could be a session only the right one is, though each is stored', async () => {
  await using door = await startDoor({ sessionKey: () => key })
  const { text, clientId } = door.keyFor('one')
  const other = door.keyFor('two')
  const forged = await forgedTokens(key, clientId, other.clientId)
  forged['an access key'] = text
  forged['a hash of a session id'] = createHash('sha256').update('x').digest('hex')
  expect(Object.keys(forged).length).toBeGreaterThan(60)

  const unknown = await answers(door.url, text, 'never-was')
  for (const answer of unknown) expect(answer).toContain('session.unknown')
  for (const answer of unknown) expect(answer.startsWith('[404,')).toBe(true)
  for (const [name, token] of Object.entries(forged)) {
    plant(door, clientId, token)
    expect([name, await answers(door.url, text, token)]).toEqual([name, unknown])
  }
  expect([...door.sessions.list()]).toEqual([])
  expect(door.seen).toEqual([])

  const right = signed(key, header, claimsOf(clientId))
  plant(door, clientId, right)
  const good = await fetch(door.url, {
    method: 'POST',
    headers: sessionHeaders(text, right),
    body: callBody(1),
  })
  expect(good.status).toBe(200)
  // Stored as another client's, the very same token is nobody's.
  const moved = signed(key, header, { ...claimsOf(clientId), jti: 'B' })
  plant(door, other.clientId, moved)
  expect(await answers(door.url, text, moved)).toEqual(unknown)
  expect(await answers(door.url, other.text, moved)).toEqual(unknown)
  expect(door.problems).toEqual([])
})

test('[threat.14] no token passes for an access key', async () => {
  let skipped = 0
  // Wrong keys are slowed down; time passes here.
  const runtime = { ...systemRuntime, monotonic: () => performance.now() + skipped }
  await using door = await startDoor({ sessionKey: () => key, runtime })
  const { text, clientId } = door.keyFor('one')
  const session = await openSession(door.url, text)
  const tokens = { ...(await forgedTokens(key, clientId, clientId)), 'a session id': session }
  for (const token of Object.values(tokens)) {
    skipped += 60_000
    const carried = [
      ['Authorization', `Bearer ${token}`],
      ['Authorization', `MCP-Key ${token}`],
      ['MCP-Key', token],
    ] as const
    for (const [name, value] of carried) {
      const headers = new Headers(sessionHeaders('', session))
      headers.delete('Authorization')
      headers.set(name, value)
      const reply = await fetch(door.url, { method: 'POST', headers, body: callBody(1) })
      expect([name, value, reply.status]).toEqual([name, value, 401])
    }
  }
  expect(door.seen).toEqual([])
})

test('[threat.14] [sessions.jwt] every id fits a header, and with any character changed it is none', async () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  await fc.assert(
    fc.asyncProperty(
      fc.uuid(),
      bytes(16),
      bytes(32),
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      fc.nat(),
      fc.integer({ min: 0x21, max: 0x7e }),
      async (clientId, random, secret, issuedAt, where, code) => {
        const jti = Buffer.from(random).toString('base64url')
        const id = await signSession(secret, { clientId, jti, issuedAt })
        expect(id).toMatch(/^[\x21-\x7e]{1,512}$/)
        expect(await isSessionOf(clientId, id, secret, issuedAt)).toBe(true)
        const at = where % id.length
        const changed = id.slice(0, at) + String.fromCharCode(code) + id.slice(at + 1)
        if (changed !== id) expect(await isSessionOf(clientId, changed, secret, issuedAt)).toBe(false)
      },
    ),
    { numRuns: 500 },
  )
})
