import { expect, test } from 'bun:test'
import { plainServer, tempAdmin } from '../support/admin'

type Admin = ReturnType<typeof tempAdmin>
const activeId = (admin: Admin) => admin.stores.spaces.active().id

async function add(admin: Admin, patch: object = {}) {
  const { data, error } = await admin.api.servers.post({ ...plainServer(activeId(admin)), ...patch })
  if (!data) throw new Error(JSON.stringify(error?.value))
  return data
}

test('[consent] a server added without consent waits for it', async () => {
  using admin = tempAdmin()
  const server = await add(admin)
  expect(server.state).toEqual({ status: 'needs_consent' })
  expect(server.consent).toBeNull()
  expect(admin.stores.consents.get(server.id)).toBeNull()
})

test('[consent] a consent given with the definition counts for exactly that definition', async () => {
  using admin = tempAdmin()
  const server = await add(admin, { consent: { givenBy: 'cli' } })
  expect(server.state).toEqual({ status: 'idle' })
  expect(server.consent?.givenBy).toBe('cli')
  const row = admin.stores.servers.get(server.id)
  expect(admin.deps.consents.of(row)?.givenBy).toBe('cli')
  expect(admin.deps.consents.of({ ...row, source: 'window' })).toBeNull()
})

test('[consent] changing what runs takes the consent away, renaming does not', async () => {
  using admin = tempAdmin()
  const server = await add(admin, { consent: { givenBy: 'cli' } })
  const route = admin.api.servers({ id: server.id })
  expect((await route.patch({ name: 'Renamed', keepRunning: true })).data?.consent?.givenBy).toBe('cli')
  const definition = { ...server.definition, args: ['other.js'] } as typeof server.definition
  const changed = (await route.patch({ definition })).data
  expect(changed?.consent).toBeNull()
  expect(changed?.state).toEqual({ status: 'needs_consent' })
  expect(admin.deps.consents.last(server.id)).toMatchObject({ withdrawn: true, form: { source: 'cli' } })
})

test('[consent] changing the definition back does not bring an old consent back', async () => {
  using admin = tempAdmin()
  const server = await add(admin, { consent: { givenBy: 'cli' } })
  const route = admin.api.servers({ id: server.id })
  await route.patch({ definition: { ...server.definition, args: ['other.js'] } as typeof server.definition })
  expect((await route.patch({ definition: server.definition })).data?.consent).toBeNull()
})

test('[consent] an approval must repeat what is stored', async () => {
  using admin = tempAdmin()
  const server = await add(admin)
  const route = admin.api.servers({ id: server.id })
  const shown = { givenBy: 'cli' as const, inputs: [] }
  const stale = { ...server.definition, args: ['shown-before.js'] } as typeof server.definition
  const refused = await route.consent.post({ ...shown, definition: stale })
  expect(refused.error?.value).toMatchObject({ code: 'consent.mismatch' })
  expect(admin.stores.consents.get(server.id)).toBeNull()
  expect((await route.consent.post({ ...shown, definition: server.definition })).data?.state.status).toBe(
    'idle',
  )
})

test('[admin] an alias is made from the name when none is given, and "" means no prefix', async () => {
  using admin = tempAdmin()
  expect((await add(admin, { name: 'Brave Search' })).alias).toBe('brave-search')
  expect((await add(admin, { name: 'Brave-Search' })).alias).toBe('brave-search-2')
  expect((await add(admin, { name: 'bare', alias: '' })).alias).toBe('')
})

test('[admin] a name or alias that is taken is a conflict and leaves the first one alone', async () => {
  using admin = tempAdmin()
  const first = await add(admin, { alias: 'files' })
  for (const patch of [
    { name: first.name, alias: 'other' },
    { name: 'Other', alias: 'files' },
  ]) {
    const { error } = await admin.api.servers.post({ ...plainServer(activeId(admin)), ...patch })
    expect(error?.value).toMatchObject({ code: 'server.exists' })
  }
  expect((await admin.api.servers.get({ query: {} })).data?.length).toBe(1)
})

const stdio = (patch: object) => ({ type: 'stdio', command: 'node', args: [], env: {}, cwd: null, ...patch })
const http = (patch: object) => ({ type: 'http', url: 'https://a.example/mcp', headers: {}, ...patch })
const refusedDefinitions: [string, object, object[]][] = [
  ['an unknown field', stdio({ shell: true }), []],
  ['a URL smuggled into a command', stdio({ url: 'https://a.example' }), []],
  ['a command smuggled into a URL', http({ command: 'sh' }), []],
  ['an unknown transport', { ...stdio({}), type: 'docker' }, []],
  ['an empty command', stdio({ command: '' }), []],
  ['a NUL in an argument', stdio({ args: ['a\u0000b'] }), []],
  ['a relative folder', stdio({ cwd: 'here' }), []],
  ['an environment name with "="', stdio({ env: { 'A=B': 'x' } }), []],
  ['a secret as plain text', stdio({ env: { API_KEY: 'sk-1' } }), []],
  ['a password in a value', stdio({ env: { DB: 'postgres://me:pw@host/db' } }), []],
  ['an input that is not declared', stdio({ env: { A: '${input:A}' } }), []],
  ['an input inside an argument', stdio({ args: ['x${input:A}'] }), [{ id: 'A', secret: false, value: 'v' }]],
  ['a reference without an end', stdio({ env: { A: 'x${input:A' } }), []],
  ['an input nobody uses', stdio({}), [{ id: 'A', secret: true, value: 'v' }]],
  [
    'a secret declared as open',
    stdio({ env: { TOKEN: '${input:A}' } }),
    [{ id: 'A', secret: false, value: 'v' }],
  ],
  ['a file URL', http({ url: 'file:///etc/passwd' }), []],
  ['a URL with a password', http({ url: 'https://u:p@a.example/' }), []],
  ['no URL at all', http({ url: 'not a url' }), []],
  ['a header name with a space', http({ headers: { 'X Y': 'a' } }), []],
  ['a header value with a line break', http({ headers: { 'X-Y': 'a\r\nb' } }), []],
  [
    'a secret header value with a line break',
    http({ headers: { 'X-Key': '${input:K}' } }),
    [{ id: 'K', secret: true, value: 'a\r\nb' }],
  ],
]
for (const [what, definition, inputs] of refusedDefinitions)
  test(`[admin] ${what} is refused and nothing is stored`, async () => {
    using admin = tempAdmin()
    const body = { ...plainServer(activeId(admin)), definition, inputs, consent: { givenBy: 'cli' } }
    const { status, text } = await admin.raw('POST', '/servers', body)
    expect([status, JSON.parse(text).code]).toEqual([422, 'input.invalid'])
    expect(admin.stores.servers.list()).toEqual([])
    expect(admin.stores.db.statement('SELECT 1 FROM credentials').all()).toEqual([])
  })

test('[admin] a missing value shows as such until it is given', async () => {
  using admin = tempAdmin()
  await admin.deps.vault.unlock(null)
  const server = await add(admin, {
    definition: http({ headers: { Authorization: '${input:Authorization}' } }),
    inputs: [{ id: 'Authorization', secret: true, value: null }],
    consent: { givenBy: 'cli' },
  })
  expect(server.state).toEqual({ status: 'needs_input', missing: ['Authorization'] })
  const status = (await admin.api.status.get()).data
  expect(status?.servers[0]?.missing).toContain('Authorization')
  const secrets = admin.api.servers({ id: server.id }).values
  expect(
    (await secrets.put({ values: [{ id: 'Authorization', value: 'Bearer x' }] })).data?.state.status,
  ).toBe('idle')
  const unknown = await secrets.put({ values: [{ id: 'Other', value: 'x' }] })
  expect(unknown.error?.value).toMatchObject({ code: 'input.invalid' })
})

test('[admin] values that were not given again stay, and those no longer declared are forgotten', async () => {
  using admin = tempAdmin()
  await admin.deps.vault.unlock(null)
  const headers = { 'X-Key': '${input:K}', 'X-Token': '${input:T}' }
  const server = await add(admin, {
    definition: http({ headers }),
    inputs: [
      { id: 'K', secret: true, value: 'one' },
      { id: 'T', secret: true, value: 'two' },
    ],
  })
  await admin.api.servers({ id: server.id }).patch({
    definition: { type: 'http', url: 'https://a.example/mcp', headers: { 'X-Key': '${input:K}' } },
    inputs: [{ id: 'K', secret: true, value: null }],
  })
  const kept = admin.deps.secrets.get(server, 'K')
  expect(kept.state === 'present' && kept.value.reveal()).toBe('one')
  expect(admin.deps.secrets.get(server, 'T')).toEqual({ state: 'absent' })
})

test('[admin] connect, restart, stop and remove reach the live server once each', async () => {
  using admin = tempAdmin()
  const { id } = await add(admin, { consent: { givenBy: 'window' } })
  const route = admin.api.servers({ id })
  await route.connect.post({})
  await route.restart.post({})
  await route.stop.post({})
  await route.delete({})
  expect(admin.asked).toEqual([
    ['connect', id],
    ['restart', id],
    ['stop', id],
    ['stop', id],
  ])
  expect((await route.get()).error?.value).toMatchObject({ code: 'server.unknown' })
})

test('[gw.transparent] a call carries arguments and answer byte for byte', async () => {
  const answer = '{"jsonrpc":"2.0","id":1,"result":{"n":9007199254740993,"x":1e400,"one":1.0,"a":1,"a":2}}'
  using admin = tempAdmin(answer)
  const { id } = await add(admin, { consent: { givenBy: 'cli' } })
  const args = '{"n": 9007199254740993,"x":1e400,"one":1.0,"a":1,"a":2}'
  const { status, text } = await admin.raw(
    'POST',
    `/servers/${id}/call?tool=${encodeURIComponent('a/b c')}`,
    args,
  )
  expect([status, text]).toEqual([200, answer])
  expect(admin.asked).toEqual([['call', id, `a/b c ${args}`]])
})
