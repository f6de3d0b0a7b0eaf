import { expect, test } from 'bun:test'
import { plainServer, tempAdmin } from '../support/admin'

test('[admin] a first run has one Space, which is the active one', async () => {
  using admin = tempAdmin()
  const { data } = await admin.api.spaces.get()
  expect(data?.map(({ name, active, servers }) => ({ name, active, servers }))).toEqual([
    { name: 'Default', active: true, servers: 0 },
  ])
})

test('[space.switch] using a Space makes it the active one and says so to whoever listens', async () => {
  using admin = tempAdmin()
  const { data: work } = await admin.api.spaces.post({ name: '  Work ' })
  expect(work?.name).toBe('Work')
  admin.emitted.length = 0
  await admin.api.spaces({ id: work?.id ?? '' }).use.post({})
  const { data } = await admin.api.spaces.get()
  expect(data?.find(({ active }) => active)?.name).toBe('Work')
  expect(admin.emitted).toEqual(['space.changed', 'policy.changed'])
})

test('[admin] a taken, empty or broken Space name is refused with a code and changes nothing', async () => {
  using admin = tempAdmin()
  const taken = await admin.api.spaces.post({ name: 'default' })
  expect(taken.error?.status).toBe(409)
  expect(taken.error?.value).toMatchObject({ code: 'space.exists' })
  for (const name of ['', '   ', 'a\u0000b', 'x'.repeat(81)]) {
    const { status, text } = await admin.raw('POST', '/spaces', { name })
    expect(status).toBe(422)
    expect(JSON.parse(text).code).toBe('input.invalid')
  }
  expect((await admin.api.spaces.get()).data?.length).toBe(1)
})

test('[space.isolation] removing a Space stops its servers and forgets their secrets', async () => {
  using admin = tempAdmin()
  await admin.deps.vault.unlock(null)
  const { data: work } = await admin.api.spaces.post({ name: 'Work' })
  const spaceId = work?.id ?? ''
  const definition = {
    type: 'stdio' as const,
    command: 'x',
    args: [],
    env: { TOKEN: '${input:TOKEN}' },
    cwd: null,
  }
  const { data: server } = await admin.api.servers.post({
    ...plainServer(spaceId),
    definition,
    inputs: [{ id: 'TOKEN', secret: true, value: 'hidden' }],
  })
  const sealed = () => admin.stores.db.statement('SELECT 1 FROM credentials').all().length
  expect(sealed()).toBe(1)
  expect((await admin.api.spaces({ id: spaceId }).delete({})).data).toEqual({ removed: spaceId })
  expect(sealed()).toBe(0)
  expect(admin.asked).toEqual([['stop', server?.id ?? '']])
  expect((await admin.api.spaces({ id: spaceId }).get()).error?.status).toBe(404)
})

test('[admin] the active Space cannot be removed', async () => {
  using admin = tempAdmin()
  const { error } = await admin.api.spaces({ id: admin.stores.spaces.active().id }).delete({})
  expect(error?.value).toMatchObject({ code: 'space.in_use' })
})
