// Who asks to sign in, as the second door tells of it and decides it.
import { expect, test } from 'bun:test'
import { changes } from '../../gateway/admin/events'
import { tempAdmin } from '../support/admin'
import { callback } from '../support/signed-in'

type Admin = ReturnType<typeof tempAdmin>

/** A program that asked; its approval, and what its browser got. */
function asks(admin: Admin, name: string, id = `mux-${name}`) {
  const applicant = admin.stores.applicants.put({ id, kind: 'registered', name, redirectUris: [callback] })
  const challenge = 'x'.repeat(43)
  return admin.signIn.approvals.ask({ applicant, redirectUri: callback, state: null, challenge })
}

const waiting = async (admin: Admin) => (await admin.api.approvals.get()).data ?? []

test('[signin] [admin] who waits is listed with what a person should know, and announced', async () => {
  using admin = tempAdmin()
  await admin.api.keys.post({ client: 'Cursor' })
  const stop = new AbortController()
  const stream = changes(admin.deps, stop.signal)
  expect((await stream.next()).value).toMatchObject({
    event: 'snapshot',
    data: { status: { approvals: [] } },
  })
  const { id } = asks(admin, 'cursor')
  const told = (await stream.next()).value
  expect(told).toMatchObject({
    event: 'approvals',
    data: [{ id, name: 'cursor', client: null, namesake: { name: 'Cursor' }, documentHost: null }],
  })
  stop.abort()
  expect(await waiting(admin)).toMatchObject([
    { id, redirectUri: callback, receiver: '127.0.0.1:4711', kind: 'registered' },
  ])
  expect((await admin.api.status.get()).data?.approvals).toMatchObject([{ id }])
  // What the browser holds, and what the code is bound to, is nobody's business here.
  const { text } = await admin.raw('GET', '/approvals')
  expect(text).not.toMatch(/cookie|challenge|xxxxxxxx/)
})

test('[signin] [admin] an approval that names nothing real changes nothing, and can be given again', async () => {
  using admin = tempAdmin()
  const { id } = asks(admin, 'one')
  const wrong = [
    [{ space: 'Nowhere' }, 'space.unknown'],
    [{ set: 'Nothing' }, 'set.unknown'],
    [{ client: 'Nobody' }, 'client.unknown'],
    [{ everywhere: true, set: 'All' }, 'input.invalid'],
  ] as const
  for (const [body, code] of wrong)
    expect([body, (await admin.api.approvals({ id }).approve.post(body)).error?.value]).toEqual([
      body,
      expect.objectContaining({ code }),
    ])
  expect((await admin.raw('POST', `/approvals/${id}/approve`, { grants: [] })).status).toBe(422)
  expect((await admin.raw('POST', `/approvals/${id}/approve`, 'space=x', 'text/plain')).status).toBe(415)
  expect(admin.stores.clients.list()).toEqual([])
  expect((await waiting(admin)).length).toBe(1)
  for (const unknown of ['x', 'ZZZZ'])
    expect((await admin.api.approvals({ id: unknown }).approve.post({})).error?.value).toMatchObject({
      code: 'approval.unknown',
    })
  const { data } = await admin.api.approvals({ id }).approve.post({})
  const space = admin.stores.spaces.active()
  expect(data?.client).toMatchObject({
    name: 'one',
    spaceId: space.id,
    everywhere: false,
    grants: [{ spaceId: space.id, setId: space.defaultSetId }],
  })
  // Once.
  expect((await admin.api.approvals({ id }).approve.post({})).error?.value).toMatchObject({
    code: 'approval.unknown',
  })
  expect((await admin.api.approvals({ id }).deny.post({})).error).toBeTruthy()
})

test('[signin] [admin] [audit] approvals, refusals and ends are in the trail, by who gave them', async () => {
  using admin = tempAdmin()
  const first = asks(admin, 'one')
  const approved = await admin.api.approvals({ id: first.id }).approve.post({ everywhere: true })
  const clientId = approved.data?.client.id ?? ''
  const second = asks(admin, 'two')
  await admin.api.approvals({ id: second.id }).deny.post({})
  const { id } = await admin.signIn.signIns.begin(
    { clientId, applicantId: 'mux-one' },
    { issuer: 'http://localhost:1', resource: 'http://localhost:1/mcp' },
  )
  expect((await admin.api.clients({ id: clientId }).get()).data).toMatchObject({
    everywhere: true,
    seesSomething: true,
    signIns: [{ id, revokedAt: null }],
  })
  await admin.api['sign-ins']({ id }).delete({})
  expect((await admin.api['sign-ins']({ id }).delete({})).error?.value).toMatchObject({
    code: 'signin.unknown',
  })
  const { data } = await admin.api.audit.get({ query: { action: 'signin.*' } })
  const entries = JSON.stringify(data)
  for (const action of ['signin.approved', 'signin.denied', 'signin.revoked'])
    expect(entries).toContain(action)
  expect(entries).toContain('127.0.0.1:4711')
})

test('[signin] [sets] a client that follows everywhere gets the default set of each Space, whichever it is', async () => {
  using admin = tempAdmin()
  const { id } = asks(admin, 'one')
  const clientId =
    (await admin.api.approvals({ id }).approve.post({ everywhere: true })).data?.client.id ?? ''
  const { data: work } = await admin.api.spaces.post({ name: 'Work' })
  const spaceId = work?.id ?? ''
  const grants = () => admin.deps.views.view(clientId, spaceId)
  const before = grants()
  expect(before.spaceId).toBe(spaceId)
  const now = async () => (await admin.api.clients({ id: clientId }).get()).data
  expect(await now()).toMatchObject({ spaceId: null, grants: [], seesSomething: true })
  // Pinned and granted by a person, it is like any other.
  const again = asks(admin, 'one')
  await admin.api.approvals({ id: again.id }).approve.post({ space: 'Work', set: 'All' })
  expect(await now()).toMatchObject({ spaceId, everywhere: false, grants: [{ spaceId }] })
})
