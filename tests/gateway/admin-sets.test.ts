import { expect, test } from 'bun:test'
import { plainServer, tempAdmin } from '../support/admin'

const tool = (name: string, annotations?: object) => ({ name, inputSchema: { type: 'object' }, annotations })
type World = ReturnType<typeof tempAdmin>

/** A server with tools of every kind of hint, a prompt and a resource. */
async function shop(admin: World, name = 'shop', spaceId = admin.stores.spaces.active().id): Promise<string> {
  const { data } = await admin.api.servers.post({ ...plainServer(spaceId, name), alias: name })
  const serverId = data?.id ?? ''
  const list = (kind: 'tool' | 'prompt' | 'resource', entries: object[], names: string[]) =>
    admin.stores.catalog.replace(
      serverId,
      kind,
      entries.map((entry, position) => ({
        ...{ serverId, kind, position, name: names[position] ?? '', descriptor: JSON.stringify(entry) },
      })),
    )
  list(
    'tool',
    [tool('look', { readOnlyHint: true }), tool('buy', { destructiveHint: false }), tool('burn')],
    ['look', 'buy', 'burn'],
  )
  list('prompt', [{ name: 'greet' }], ['greet'])
  list('resource', [{ uri: 'note://a', name: 'a' }], ['note://a'])
  admin.deps.events.emit('catalog.changed', { spaceId, serverId, kinds: ['tools', 'prompts', 'resources'] })
  return serverId
}

interface Rule {
  mode: 'include' | 'exclude'
  rule: string
}
const include = (...rules: string[]) => rules.map((rule): Rule => ({ mode: 'include', rule }))
const exclude = (...rules: string[]) => rules.map((rule): Rule => ({ mode: 'exclude', rule }))

async function create(admin: World, name: string, rules: Rule[]) {
  const spaceId = admin.stores.spaces.active().id
  const { data, error } = await admin.api.sets.post({ spaceId, name, rules })
  if (!data) throw new Error(JSON.stringify(error.value))
  return data
}

async function effective(admin: World, query: { set?: string; client?: string }) {
  const { data, error } = await admin.api.effective.get({ query })
  if (!data) throw new Error(JSON.stringify(error.value))
  return data
}
type Found = Awaited<ReturnType<typeof effective>>
const whyOf = ({ features }: Found) =>
  Object.fromEntries(features.map(({ name, allowed, why }) => [name, `${allowed ? 'yes' : 'no'}: ${why}`]))
const allowedIn = ({ features }: Found) =>
  features.filter(({ allowed }) => allowed).map(({ exposedName }) => exposedName)

test('[sets] every feature of a set says which rule of which set decides, through nested sets too', async () => {
  using admin = tempAdmin()
  await shop(admin)
  await create(admin, 'Inner', [...include('shop/*'), ...exclude('tool:shop/burn')])
  await create(admin, 'Quiet', include('prompt:*'))
  await create(admin, 'Outer', [...exclude('set:Quiet'), ...include('set:Inner')])
  await create(admin, 'Nothing', [])
  expect(whyOf(await effective(admin, { set: 'outer' }))).toEqual({
    look: 'yes: included by rule 1 of Inner (shop/*), through rule 2 of Outer',
    buy: 'yes: included by rule 1 of Inner (shop/*), through rule 2 of Outer',
    burn: 'no: excluded by rule 2 of Inner (tool:shop/burn), through rule 2 of Outer',
    greet: 'no: excluded by rule 1 of Quiet (prompt:*), through rule 1 of Outer',
    'note://a': 'yes: included by rule 1 of Inner (shop/*), through rule 2 of Outer',
  })
  const none = await effective(admin, { set: 'Nothing' })
  expect(whyOf(none).look).toBe('no: not included by any rule')
  expect(none.counts).toMatchObject({ tool: { allowed: 0, known: 3 }, prompt: { allowed: 0, known: 1 } })
})

test('[sets] the presets are found by name everywhere, and give by hints what they say', async () => {
  using admin = tempAdmin()
  await shop(admin)
  expect(allowedIn(await effective(admin, { set: 'Read only' }))).toEqual([
    'shop_look',
    'shop_greet',
    'note://a',
  ])
  expect(allowedIn(await effective(admin, { set: 'no destructive' }))).toEqual([
    ...['shop_look', 'shop_buy', 'shop_greet', 'note://a'],
  ])
  const { data: made } = await admin.api.keys.post({ client: 'cursor', set: 'read only' })
  expect(made?.client.name).toBe('cursor')
  const nested = await create(admin, 'Without notes', [...include('set:Read only'), ...exclude('resource:*')])
  expect(allowedIn(await effective(admin, { set: nested.id }))).toEqual(['shop_look', 'shop_greet'])
  await admin.api.grants.post({ client: 'cursor', sets: ['ALL'], mode: 'add' })
  expect(allowedIn(await effective(admin, { client: 'cursor' }))).toHaveLength(5)
  await admin.api.grants.post({ client: 'cursor', sets: ['Without notes', 'All'], mode: 'add' })
  expect(whyOf(await effective(admin, { client: 'cursor' }))['note://a']).toBe(
    'no: excluded by rule 2 of Without notes (resource:*)',
  )
})

test('[sets] what else keeps a feature away is said: a disabled server, no grant, a pin', async () => {
  using admin = tempAdmin()
  const serverId = await shop(admin)
  await admin.api.servers({ id: serverId }).patch({ enabled: false })
  expect(whyOf(await effective(admin, { set: 'All' })).look).toBe('no: its server is disabled')
  await admin.api.servers({ id: serverId }).patch({ enabled: true })
  const hidden = JSON.stringify({ ...tool('look', { readOnlyHint: true }), description: 'a\u200bb' })
  const looking = { serverId, kind: 'tool' as const, name: 'look', position: 0, descriptor: hidden }
  admin.deps.pins.catalog.replace(serverId, 'tool', [looking])
  const spaceId = admin.stores.spaces.active().id
  admin.deps.events.emit('catalog.changed', { spaceId, serverId, kinds: ['tools'] })
  const { features } = await effective(admin, { set: 'All' })
  expect([features[0]?.allowed, features[0]?.why]).toEqual([
    false,
    expect.stringMatching(/^withheld: .*hidden text/),
  ])
  admin.stores.clients.create({ name: 'nobody', spaceId: null })
  expect(whyOf(await effective(admin, { client: 'nobody' })).look).toBe(
    'no: no Feature Set was granted in this Space',
  )
  for (const query of ['', 'set=Missing', 'client=missing', 'space=Missing&set=All']) {
    const { status } = await admin.raw('GET', `/effective?${query}`)
    expect([query, status]).toEqual([query, query === '' ? 422 : 404])
  }
})

test('[sets] tokens are counted of what a client gets, and its limits are those of its kind', async () => {
  using admin = tempAdmin()
  const serverId = await shop(admin)
  const found = await effective(admin, { set: 'All' })
  const tools = found.features.filter(({ kind }) => kind === 'tool')
  const descriptor = JSON.stringify({ ...tool('look', { readOnlyHint: true }), name: 'shop_look' })
  expect(tools[0]?.tokens).toBe(Math.ceil(Buffer.byteLength(descriptor) / 4.2))
  expect(found.tokens).toBe(tools.reduce((sum, { tokens }) => sum + tokens, 0))
  expect(found.limitsOf).toBe('other clients')

  const many = Array.from({ length: 90 }, (_, position) => {
    const name = `t${position}`
    return { serverId, kind: 'tool' as const, name, position, descriptor: JSON.stringify(tool(name)) }
  })
  admin.stores.catalog.replace(serverId, 'tool', many)
  const spaceId = admin.stores.spaces.active().id
  admin.deps.events.emit('catalog.changed', { spaceId, serverId, kinds: ['tools'] })
  admin.stores.clients.create({ name: 'Windsurf', spaceId: null })
  const limited = await effective(admin, { set: 'All', client: 'Windsurf' })
  expect(limited.limits[0]).toEqual({
    ...{ limit: 'tools', level: 'near', names: [] },
    what: 'Windsurf takes 100 tools in all; there are 90',
  })
  // Lean is what fits.
  await admin.api.grants.post({ client: 'Windsurf', sets: ['Lean'], mode: 'replace' })
  const lean = await effective(admin, { client: 'Windsurf' })
  expect([lean.counts.tool, lean.limits[0]?.level]).toEqual([{ allowed: 40, known: 90 }, 'ok'])
})

test('[sets] an edit is one step: numbers mean the rules as they were, and a mistake changes nothing', async () => {
  using admin = tempAdmin()
  await shop(admin)
  const { id } = await create(admin, 'Work', include('tool:shop/look', 'tool:shop/buy', 'prompt:*'))
  const rules = async () =>
    (await admin.api.sets({ id }).get()).data?.rules.map(({ mode, text }) => `${mode} ${text}`)
  const edited = await admin.api
    .sets({ id })
    .patch({ name: 'Shop', remove: [1, 3], add: exclude('hint:destructive') })
  expect(edited.data?.name).toBe('Shop')
  expect(await rules()).toEqual(['include tool:shop/buy', 'exclude hint:destructive'])
  const wrong = [
    { name: 'Other', remove: [9] },
    { name: 'Other', add: include('tool:nobody/x') },
    { name: 'Other', add: include('set:Shop') },
    { name: 'Other', point: [{ rule: 1, server: 'shop' }] },
    { name: 'All' },
  ]
  for (const change of wrong) {
    expect([change, (await admin.api.sets({ id }).patch(change)).error !== null]).toEqual([change, true])
    expect((await admin.api.sets({ id }).get()).data?.name).toBe('Shop')
  }
  expect(await rules()).toEqual(['include tool:shop/buy', 'exclude hint:destructive'])
  const preset = (await admin.api.sets.get({ query: {} })).data?.[0]
  const refused = await admin.api.sets({ id: preset?.id ?? '' }).patch({ add: exclude('*') })
  expect(refused.error?.value).toMatchObject({ code: 'set.preset' })
})

test('[sets] [threat.17] a removed server leaves rules that include nothing, and excludes that hold for its like', async () => {
  using admin = tempAdmin()
  const serverId = await shop(admin)
  const work = await create(admin, 'Work', [...include('server:shop', 'all'), ...exclude('tool:shop/burn')])
  const only = await create(admin, 'Only', include('tool:shop/look'))
  await admin.api.servers({ id: serverId }).delete({})
  const texts = async (id: string) =>
    (await admin.api.sets({ id }).get()).data?.rules.map(({ text, gone }) => [text, gone])
  expect(await texts(work.id)).toEqual([
    ['server:shop (server removed)', true],
    ['all', false],
    ['tool:shop/burn (server removed)', true],
  ])
  await shop(admin)
  expect(allowedIn(await effective(admin, { set: 'Only' }))).toEqual([])
  expect(whyOf(await effective(admin, { set: 'Work' })).burn).toBe(
    'no: excluded by rule 3 of Work (tool:shop/burn (server removed))',
  )
  await admin.api.sets({ id: only.id }).patch({ point: [{ rule: 1, server: 'shop' }] })
  expect(allowedIn(await effective(admin, { set: 'Only' }))).toEqual(['shop_look'])
  await admin.api.sets({ id: work.id }).patch({ remove: [3] })
  expect(allowedIn(await effective(admin, { set: 'Work' }))).toContain('shop_burn')
})

test('[sets] grants are given, replaced and taken away as a whole, and each is in the trail once', async () => {
  using admin = tempAdmin()
  await create(admin, 'A', include('all'))
  await create(admin, 'B', include('all'))
  await admin.api.keys.post({ client: 'cursor' })
  const names = (view: { grants: readonly { setId: string }[] } | null | undefined) =>
    view?.grants.map(({ setId }) => admin.stores.sets.get(setId).name).sort()
  const change = (mode: 'add' | 'replace' | 'revoke', ...sets: string[]) =>
    admin.api.grants.post({ client: 'cursor', sets, mode })
  expect(names((await change('add', 'A', 'a', 'All')).data)).toEqual(['A', 'All'])
  expect(names((await change('replace', 'A', 'B')).data)).toEqual(['A', 'B'])
  expect((await change('replace', 'Missing')).error?.value).toMatchObject({ code: 'set.unknown' })
  expect((await change('replace')).error?.value).toMatchObject({ code: 'input.invalid' })
  const client = admin.stores.clients.list()[0]
  expect(admin.stores.clients.grants(client?.id)).toHaveLength(2)
  expect(names((await change('revoke', 'B')).data)).toEqual(['A'])
  const after = (await change('revoke')).data
  expect([names(after), after?.seesSomething]).toEqual([[], false])
  const trail = admin.deps.trail.list({ action: 'grant.*' }, { before: null, limit: 100 })
  const actions = trail.map(({ action, detail }) => `${action.slice(6)} ${detail?.set}`).reverse()
  expect(actions.filter((one) => one !== 'given All')).toEqual([
    ...['given A', 'withdrawn All', 'given B', 'withdrawn B', 'withdrawn A'],
  ])
})

test('[sets] [threat.17] sets inside each other end at 32, and none is inside itself', async () => {
  using admin = tempAdmin()
  const spaceId = admin.stores.spaces.active().id
  let last = ''
  let made = 0
  const refused = new Set<string>()
  for (let depth = 0; depth < 1000; depth++) {
    const rules = last ? include(`set:${last}`) : []
    const { data, error } = await admin.api.sets.post({ spaceId, name: `deep ${depth}`, rules })
    if (data) {
      last = data.id
      made++
    } else refused.add(`${error.value.code}`)
  }
  expect([made, [...refused]]).toEqual([32, ['set.cycle']])
  const first = admin.stores.sets.find(spaceId, 'deep 0')
  const ring = await admin.api.sets({ id: first.id }).patch({ add: include(`set:${last}`) })
  expect(ring.error?.value).toMatchObject({ code: 'set.cycle' })
})
