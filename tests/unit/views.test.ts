import { expect, test } from 'bun:test'
import type { Feature } from '../../gateway/domain/feature'
import { createEvents } from '../../gateway/events'
import type { FeatureView } from '../../gateway/policy/feature-view'
import { maxInstructions, maxServerInstructions, mergeInstructions } from '../../gateway/policy/instructions'
import { changedKinds, createViews } from '../../gateway/policy/views'
import { exclude, feature, include, policyWorld, server } from '../support/policy-data'
import { stdioDefinition, tempStores } from '../support/temp-store'

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)
const names = (view: FeatureView, kind: Feature['kind'] = 'tool') =>
  view.list(kind).map(({ exposedName }) => exposedName)

function twoServers() {
  const world = policyWorld()
  world.add(server('b', { position: 1 }), { tool: ['two', 'one'], prompt: ['p'], resource: ['b://x'] })
  world.add(server('a', { position: 0 }), { tool: ['echo'], template: ['a://{id}'] })
  return world
}

test('[names] a view lists by exposed name, in the order of servers and then of their own lists', () => {
  const view = twoServers().views.view('all', 'home')
  expect(names(view)).toEqual(['a_echo', 'b_two', 'b_one'])
  expect(names(view, 'prompt')).toEqual(['b_p'])
  expect(names(view, 'resource')).toEqual(['b://x'])
  expect(names(view, 'template')).toEqual(['a://{id}'])
  expect(view.find('tool', 'b_two').feature.name).toBe('two')
  expect(view.lookup('prompt', 'b_two')).toBeNull()
})

test('[gw.transparent] a descriptor keeps every byte but its name', () => {
  const world = policyWorld()
  const spelled =
    '{ "inputSchema":{"name":1,"a":1.0,"b":9007199254740993,"c":1e400,"c":2},\t"n\\u0061me" : "ec\\u0068o" , "x":"ü","zz":[{"name":"no"}] }'
  world.add(server('s'), {})
  world.features.set('s', [
    feature('s', 'tool', 'echo', { descriptor: spelled }),
    feature('s', 'resource', 's://x', { descriptor: '{"uri":"s:\\/\\/x","size":1.0}' }),
  ])
  const view = world.views.view('all', 'home')
  expect(text(view.find('tool', 's_echo').descriptor)).toBe(spelled.replace('"ec\\u0068o"', '"s_echo"'))
  expect(text(view.find('resource', 's://x').descriptor)).toBe('{"uri":"s:\\/\\/x","size":1.0}')
})

test('[faults] an entry that cannot be read costs only itself', () => {
  const world = policyWorld()
  world.add(server('s'), {})
  world.features.set('s', [
    feature('s', 'tool', 'twice', { descriptor: '{"name":"twice","name":"other"}' }),
    feature('s', 'tool', 'none', { descriptor: '{}', position: 1 }),
    feature('s', 'tool', 'good', { position: 2 }),
  ])
  expect(names(world.views.view('all', 'home'))).toEqual(['s_good'])
})

test('[catalog.offline] a disabled server contributes nothing and comes back as it was', () => {
  const world = twoServers()
  const toggle = (enabled: boolean) => {
    const at = world.servers.findIndex(({ id }) => id === 'b')
    world.servers[at] = server('b', { position: 1, enabled })
    world.events.emit('server.changed', { spaceId: 'home', serverId: 'b' })
    return world.views.view('all', 'home')
  }
  const before = world.views.view('all', 'home')
  const without = toggle(false)
  expect(names(without)).toEqual(['a_echo'])
  expect(without.servers().map(({ alias }) => alias)).toEqual(['a'])
  expect(changedKinds(before, without)).toEqual(['tools', 'prompts', 'resources'])
  expect(changedKinds(before, toggle(true))).toEqual([])
})

test('[sets] a view is one object until something behind it changes', () => {
  const world = twoServers()
  const view = world.views.view('all', 'home')
  const reads = world.reads.servers
  expect(world.views.view('all', 'home')).toBe(view)
  world.events.emit('server.changed', { spaceId: 'elsewhere', serverId: 'b' })
  expect(world.views.view('all', 'home')).toBe(view)
  expect(world.reads.servers).toBe(reads)
})

test('[sets] an event that changes nothing visible keeps version and lists', () => {
  const world = twoServers()
  const view = world.views.view('all', 'home')
  world.events.emit('policy.changed', { spaceId: null, clientId: null })
  world.events.emit('space.changed', { spaceId: 'home' })
  const after = world.views.view('all', 'home')
  expect(after.version).toBe(view.version)
  expect(after.list('tool')).toBe(view.list('tool'))
})

test('[sets] a changed catalog changes the version and names the lists to read again', () => {
  const world = twoServers()
  const before = world.views.view('all', 'home')
  world.reads.catalogs.length = 0
  world.features.get('b')?.push(feature('b', 'prompt', 'more', { position: 3 }))
  world.events.emit('catalog.changed', { spaceId: 'home', serverId: 'b', kinds: ['prompts'] })
  const after = world.views.view('all', 'home')
  expect(after.version).not.toBe(before.version)
  expect(changedKinds(before, after)).toEqual(['prompts'])
  expect(after.list('tool')).toBe(before.list('tool'))
  expect(after.find('tool', 'b_one')).toBe(before.find('tool', 'b_one'))
  expect(world.reads.catalogs).toEqual(['b'])
})

test('[sets] a changed descriptor under the same name is a change', () => {
  const world = twoServers()
  const before = world.views.view('all', 'home')
  world.features.set('a', [feature('a', 'tool', 'echo', { descriptor: '{"name":"echo","title":"new"}' })])
  world.events.emit('catalog.changed', { spaceId: 'home', serverId: 'a', kinds: ['tools'] })
  expect(changedKinds(before, world.views.view('all', 'home'))).toEqual(['tools', 'resources'])
})

test('[sets] clients with the same rights share a view; a grant acts at once', () => {
  const world = twoServers()
  world.grants.push({ clientId: 'second', spaceId: 'home', setId: 'all' })
  expect(world.views.view('second', 'home')).toBe(world.views.view('all', 'home'))
  expect(names(world.views.view('third', 'home'))).toEqual([])
  world.grant('third', 'only-a', [include({ type: 'server', serverId: 'a' })])
  world.events.emit('policy.changed', { spaceId: 'home', clientId: 'third' })
  expect(names(world.views.view('third', 'home'))).toEqual(['a_echo'])
  world.grants.pop()
  world.events.emit('policy.changed', { spaceId: 'home', clientId: 'third' })
  expect(names(world.views.view('third', 'home'))).toEqual([])
})

test('[sets] other grants that leave the same features leave the version', () => {
  const world = twoServers()
  const before = world.views.view('all', 'home')
  world.grant('all', 'also-a', [include({ type: 'server', serverId: 'a' })])
  world.events.emit('policy.changed', { spaceId: 'home', clientId: 'all' })
  expect(world.views.view('all', 'home').version).toBe(before.version)
})

test('[names] a tool that points at a wrapped user interface points at its wrapped form', () => {
  const world = policyWorld()
  const tool =
    '{"_meta":{"ui/resourceUri":"ui://app","ui":{"resourceUri":"ui://app","visibility":["app"]}},"name":"t"}'
  for (const id of ['a', 'b']) {
    world.add(server(id), { resource: ['ui://app'] })
    world.features.get(id)?.push(feature(id, 'tool', 't', { descriptor: tool }))
  }
  const view = world.views.view('all', 'home')
  expect(text(view.find('tool', 'b_t').descriptor)).toBe(
    '{"_meta":{"ui/resourceUri":"ui://mcpmux+b/app","ui":{"resourceUri":"ui://mcpmux+b/app","visibility":["app"]}},"name":"b_t"}',
  )
  world.grant('one', 'just-b', [include({ type: 'server', serverId: 'b' })])
  world.events.emit('policy.changed', { spaceId: 'home', clientId: 'one' })
  expect(text(world.views.view('one', 'home').find('tool', 'b_t').descriptor)).toBe(
    tool.replace('"t"}', '"b_t"}'),
  )
})

test('[mcp.resources] a URI goes to its exact owner, else to the most specific template, never to the first', () => {
  const world = policyWorld()
  world.add(server('a', { position: 0 }), { template: ['file:///{+path}', 'same://{x}'] })
  world.add(server('b', { position: 1 }), {
    template: ['file:///data/{name}', 'same://{y}'],
    resource: ['file:///b'],
  })
  const view = world.views.view('all', 'home')
  expect(view.route('file:///b')).toEqual({ serverId: 'b', uri: 'file:///b' })
  expect(view.route('file:///data/x')).toEqual({ serverId: 'b', uri: 'file:///data/x' })
  expect(view.route('file:///data/x/y')).toEqual({ serverId: 'a', uri: 'file:///data/x/y' })
  expect(view.route('other://x')).toBeNull()
  expect(view.route('same://1')).toBeNull()
})

test('[mcp.resources] equal templates are wrapped, and what they expand to finds its server', () => {
  const world = policyWorld()
  for (const id of ['a', 'b']) world.add(server(id), { template: ['file:///{+path}'] })
  const view = world.views.view('all', 'home')
  expect(names(view, 'template')).toEqual(['mcpmux+a:file:///{+path}', 'mcpmux+b:file:///{+path}'])
  expect(view.route('mcpmux+b:file:///x/y')).toEqual({ serverId: 'b', uri: 'file:///x/y' })
  expect(view.route('file:///x/y')).toBeNull()
  expect(view.exposedUri('a', 'file:///x/y')).toBe('mcpmux+a:file:///x/y')
  expect(view.exposedUri('a', 'file:///{+path}')).toBe('mcpmux+a:file:///{+path}')
  expect(view.exposedUri('a', 'other://x')).toBeNull()
  expect(view.rewritesUris('a')).toBe(true)
})

test('[mcp.resources] what a server sends is only renamed where it is its own', () => {
  const world = twoServers()
  const view = world.views.view('all', 'home')
  expect(view.exposedUri('b', 'b://x')).toBe('b://x')
  expect(view.exposedUri('a', 'b://x')).toBeNull()
  expect(view.exposedUri('a', 'a://7')).toBe('a://7')
  expect(view.rewritesUris('a')).toBe(false)
})

test('[mcp.lifecycle] instructions of visible servers are merged under headings, within limits', () => {
  const world = twoServers()
  world.add(server('hidden', { enabled: false }), { tool: ['t'] })
  world.instructions.set('a', '  Use echo.\n')
  world.instructions.set('hidden', 'secret plan')
  expect(mergeInstructions(world.views.view('all', 'home'))).toBe(
    '# a (names that begin with a_)\n\nUse echo.',
  )
  expect(mergeInstructions(world.views.view('nobody', 'home'))).toBeNull()
  for (let n = 0; n < 6; n++) {
    world.add(server(`s${n}`, { position: 2 + n }), { tool: ['t'] })
    world.instructions.set(`s${n}`, 'ü'.repeat(10_000))
  }
  world.events.emit('space.changed', { spaceId: 'home' })
  const merged = mergeInstructions(world.views.view('all', 'home')) ?? ''
  expect(Buffer.byteLength(merged)).toBeLessThanOrEqual(maxInstructions)
  expect(Buffer.byteLength(merged)).toBeGreaterThan(maxInstructions - 4)
  expect(merged).not.toContain('\ufffd')
  const section = merged.split('# s0 (names that begin with s0_)\n\n')[1]?.split('\n\n# ')[0] ?? ''
  expect(Buffer.byteLength(section)).toBe(maxServerInstructions)
})

test('[sets] views over the real store follow what is written there', () => {
  using stores = tempStores()
  const events = createEvents((error) => {
    throw error
  })
  const views = createViews({
    events,
    data: {
      servers: (spaceId) => stores.servers.list(spaceId),
      catalog: (serverId) => stores.catalog.get(serverId),
      sets: (spaceId) => stores.sets.list(spaceId),
      grants: (clientId) => stores.clients.grants(clientId),
      pins: { findings: () => [], policy: () => 'guard' },
    },
  })
  const space = stores.spaces.create({ name: 'Work' })
  const { id } = stores.servers.create({
    spaceId: space.id,
    name: 'Echo',
    alias: 'echo',
    definition: stdioDefinition({ env: {} }),
    source: 'cli',
  })
  const client = stores.clients.create({ name: 'Cursor', spaceId: null })
  expect(names(views.view(client.id, space.id))).toEqual([])
  const set = stores.sets.create(space.id, 'Some', [include({ type: 'all' })])
  stores.clients.grant({ clientId: client.id, spaceId: space.id, setId: set.id })
  events.emit('policy.changed', { spaceId: space.id, clientId: client.id })
  stores.catalog.replace(id, 'tool', [
    feature(id, 'tool', 'say'),
    feature(id, 'tool', 'shout', { position: 1 }),
  ])
  events.emit('catalog.changed', { spaceId: space.id, serverId: id, kinds: ['tools'] })
  expect(names(views.view(client.id, space.id))).toEqual(['echo_say', 'echo_shout'])
  stores.sets.setMembers(set.id, [
    include({ type: 'all' }),
    exclude({ type: 'pattern', pattern: 'echo/sh*' }),
  ])
  events.emit('policy.changed', { spaceId: space.id, clientId: null })
  expect(names(views.view(client.id, space.id))).toEqual(['echo_say'])
  expect(names(views.operatorView(space.id))).toEqual(['echo_say', 'echo_shout'])
  stores.servers.remove(id)
  events.emit('server.changed', { spaceId: space.id, serverId: id })
  expect(names(views.operatorView(space.id))).toEqual([])
})
