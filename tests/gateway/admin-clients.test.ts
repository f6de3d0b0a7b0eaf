import { expect, test } from 'bun:test'
import { hashAccessKey } from '../../gateway/auth/access-key'
import { tempAdmin } from '../support/admin'

test('[keys] a new client is pinned to the active Space with its default set, and the key is shown once', async () => {
  using admin = tempAdmin()
  const { data: made } = await admin.api.keys.post({ client: 'cursor' })
  const space = admin.stores.spaces.active()
  expect(made?.key).toStartWith('mcp_')
  expect(admin.stores.keys.findByHash(hashAccessKey(made?.key ?? ''))?.id).toBe(made?.id ?? '')
  const { data: clients } = await admin.api.clients.get()
  expect(clients?.[0]).toMatchObject({
    name: 'cursor',
    spaceId: space.id,
    seesSomething: true,
    grants: [{ spaceId: space.id, setId: space.defaultSetId }],
  })
  for (const path of ['/clients', '/keys', '/status']) {
    const { text } = await admin.raw('GET', path)
    expect(text).not.toContain(made?.key ?? 'mcp_')
  }
})

test('[keys] a second key changes nothing of a client that exists', async () => {
  using admin = tempAdmin()
  await admin.api.keys.post({ client: 'cursor' })
  const before = (await admin.api.clients.get()).data?.[0]
  await admin.api.spaces.post({ name: 'Work' })
  await admin.api.keys.post({ client: 'cursor' })
  const after = (await admin.api.clients.get()).data?.[0]
  expect(after?.keys.length).toBe(2)
  expect([after?.spaceId, after?.grants]).toEqual([before?.spaceId, before?.grants])
})

test('[keys] other rights for a client that exists need a confirmation', async () => {
  using admin = tempAdmin()
  await admin.api.keys.post({ client: 'cursor' })
  await admin.api.spaces.post({ name: 'Work' })
  const refused = await admin.api.keys.post({ client: 'cursor', space: 'Work' })
  expect(refused.error?.value).toMatchObject({ code: 'client.exists' })
  expect(admin.stores.keys.list().length).toBe(1)
  const { data } = await admin.api.keys.post({ client: 'cursor', space: 'Work', confirm: true })
  expect(data?.client.spaceId).toBe(admin.stores.spaces.find('Work').id)
})

test('[keys] an unknown Space or set makes neither a client nor a key', async () => {
  using admin = tempAdmin()
  expect((await admin.api.keys.post({ client: 'a', space: 'Nowhere' })).error?.value).toMatchObject({
    code: 'space.unknown',
  })
  expect((await admin.api.keys.post({ client: 'a', set: 'Nothing' })).error?.value).toMatchObject({
    code: 'set.unknown',
  })
  expect(admin.stores.clients.list()).toEqual([])
})

test('[keys] rotating ends the old key without ending the client; revoking ends both ways in', async () => {
  using admin = tempAdmin()
  const first = (await admin.api.keys.post({ client: 'cursor' })).data
  admin.emitted.length = 0
  const second = (await admin.api.keys({ id: first?.id ?? '' }).rotate.post({})).data
  expect(second?.key).not.toBe(first?.key)
  expect(admin.stores.keys.get(first?.id ?? '').revokedAt).not.toBeNull()
  expect(admin.emitted).toEqual(['key.ended', 'client.changed'])
  await admin.api.keys({ id: second?.id ?? '' }).delete({})
  expect(admin.emitted).toEqual(['key.ended', 'client.changed', 'client.revoked'])
  expect((await admin.api.keys({ id: second?.id ?? '' }).delete({})).error?.value).toMatchObject({
    code: 'key.unknown',
  })
})

test('[admin] a client without a grant in its Space is told apart in status', async () => {
  using admin = tempAdmin()
  await admin.api.keys.post({ client: 'cursor' })
  const client = (await admin.api.clients.get()).data?.[0]
  const grant = client?.grants[0]
  await admin.api
    .clients({ id: client?.id ?? '' })
    .grants.delete({ spaceId: grant?.spaceId ?? '', setId: grant?.setId ?? '' })
  const { data } = await admin.api.status.get()
  expect(data?.clients[0]?.remark).toContain('sees nothing')
})

test('[sets] a set is made, read and removed; a default set stays', async () => {
  using admin = tempAdmin()
  const { id: spaceId, defaultSetId } = admin.stores.spaces.active()
  const made = (
    await admin.api.sets.post({
      spaceId,
      name: 'Reading',
      members: [{ mode: 'include', target: { type: 'pattern', pattern: '*/read*' } }],
    })
  ).data
  expect((await admin.api.sets({ id: made?.id ?? '' }).get()).data?.members.length).toBe(1)
  const names = (await admin.api.sets.get({ query: {} })).data?.map(({ name }) => name)
  expect(names).toEqual(['All', 'Read only', 'No destructive', 'Lean', 'Reading'])
  expect((await admin.api.sets({ id: made?.id ?? '' }).delete({})).data).toEqual({ removed: made?.id ?? '' })
  expect((await admin.api.sets({ id: defaultSetId }).delete({})).error?.status).toBe(409)
})
