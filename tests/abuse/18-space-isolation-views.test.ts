import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { mergeInstructions } from '../../gateway/policy/instructions'
import { createLists } from '../../gateway/router/lists'
import { createRouter } from '../../gateway/router/router'
import { feature, include, policyWorld, server, settingsWith } from '../support/policy-data'
import { exchange, recordingUpstreams, scan, states, tasks } from '../support/recording-upstreams'

/** The same server, alias and names included, in two Spaces; one client has all rights in both. */
function twoSpaces() {
  const world = policyWorld()
  for (const spaceId of ['home', 'work']) {
    const id = `gh-${spaceId}`
    world.add(server(id, { spaceId, alias: 'gh' }), {})
    world.instructions.set(id, `canary-${spaceId}`)
    world.features.set(id, [
      feature(id, 'tool', 'create', { descriptor: `{"name":"create","title":"canary-${spaceId}"}` }),
      feature(id, 'resource', 'gh://readme', {
        descriptor: `{"uri":"gh://readme","name":"canary-${spaceId}"}`,
      }),
      feature(id, 'template', 'gh://{id}'),
    ])
  }
  world.grant('all', 'all-work', [include({ type: 'all' })], 'work')
  const recording = recordingUpstreams()
  const lists = createLists({
    settings: settingsWith(),
    absences: (spaceId) => [{ alias: 'gh', reason: `canary-${spaceId}` }],
  })
  return {
    world,
    lists,
    router: createRouter({ upstreams: recording.upstreams, lists, states, tasks }),
    ...recording,
  }
}

test('[threat.18] lists, instructions and absences of a Space hold nothing of another', () => {
  const { world, lists } = twoSpaces()
  for (let round = 0; round < 3; round++) {
    for (const [spaceId, other] of [
      ['home', 'work'],
      ['work', 'home'],
    ] as const) {
      const view = world.views.view('all', spaceId)
      const said = (['tool', 'resource', 'template', 'prompt'] as const)
        .map((kind) => new TextDecoder().decode(lists.page(view, kind, null)))
        .concat(mergeInstructions(view) ?? '')
        .join('\n')
      expect(said).toContain(`canary-${spaceId}`)
      expect(said).not.toContain(`canary-${other}`)
      expect(view.servers().map(({ serverId }) => serverId)).toEqual([`gh-${spaceId}`])
    }
    world.events.emit('policy.changed', { spaceId: null, clientId: null })
  }
})

test('[threat.18] interleaved calls under one name reach the server of their own Space', async () => {
  const { world, router, sent } = twoSpaces()
  const methods: [method: string, params: object][] = [
    ['tools/call', { name: 'gh_create' }],
    ['resources/read', { uri: 'gh://readme' }],
    ['resources/read', { uri: 'gh://7' }],
    ['resources/subscribe', { uri: 'gh://readme' }],
  ]
  const expected: string[] = []
  for (let n = 0; n < 2000; n++) {
    const spaceId = n % 3 === 0 ? 'home' : 'work'
    const [method, params] = methods[n % methods.length] ?? ['', {}]
    const message = scan(JSON.stringify({ jsonrpc: '2.0', id: n, method, params }))
    await router.route(world.views.view('all', spaceId), message, exchange())
    expected.push(`gh-${spaceId}`)
  }
  expect(sent.map(({ serverId }) => serverId)).toEqual(expected)
})

test('[threat.18] [space.isolation] a grant in one Space gives nothing in another', () => {
  const { world } = twoSpaces()
  world.grants.push({ clientId: 'home-only', spaceId: 'home', setId: 'all' })
  // A grant that pairs this Space with the set of another is worth nothing in either.
  world.grants.push({ clientId: 'crossed', spaceId: 'work', setId: 'all' })
  expect(world.views.view('home-only', 'home').list('tool')).toHaveLength(1)
  for (const clientId of ['home-only', 'crossed', 'nobody']) {
    const view = world.views.view(clientId, 'work')
    expect([...view.list('tool'), ...view.list('resource'), ...view.servers()]).toEqual([])
    expect(view.concerns('gh')).toBe(false)
    expect(view.route('gh://readme')).toBeNull()
    expect(() => view.find('tool', 'gh_create')).toThrow(GatewayError)
  }
})

test('[threat.18] a change in one Space leaves the views of another untouched', () => {
  const { world } = twoSpaces()
  const home = world.views.view('all', 'home')
  const work = world.views.view('all', 'work')
  world.features.set('gh-work', [])
  world.events.emit('catalog.changed', { spaceId: 'work', serverId: 'gh-work', kinds: ['tools'] })
  world.reads.catalogs.length = 0
  expect(world.views.view('all', 'home')).toBe(home)
  expect(world.reads.catalogs).toEqual([])
  expect(world.views.view('all', 'work').list('tool')).toEqual([])
  expect(work.list('tool')).toHaveLength(1)
})

test('[threat.18] a URI two Spaces share is wrapped in neither', () => {
  const { world } = twoSpaces()
  for (const spaceId of ['home', 'work']) {
    const view = world.views.view('all', spaceId)
    expect(view.list('resource').map(({ exposedName }) => exposedName)).toEqual(['gh://readme'])
    expect(view.exposedUri(spaceId === 'home' ? 'gh-work' : 'gh-home', 'gh://readme')).toBeNull()
  }
})

test('[threat.18] a cursor of one Space shows only the other list when used there', () => {
  const { world } = twoSpaces()
  const features = (id: string) => [0, 1, 2].map((n) => feature(id, 'tool', `${id}-${n}`, { position: n }))
  for (const id of ['gh-home', 'gh-work']) world.features.set(id, features(id))
  const lists = createLists({
    settings: settingsWith({ 'limits.page_size': 1 }),
    absences: () => [],
  })
  world.events.emit('space.changed', { spaceId: 'home' })
  world.events.emit('space.changed', { spaceId: 'work' })
  const read = (spaceId: string, cursor: string | null) =>
    new TextDecoder().decode(lists.page(world.views.view('all', spaceId), 'tool', cursor))
  const { nextCursor } = JSON.parse(read('home', null)) as { nextCursor: string }
  expect(read('work', nextCursor)).toContain('gh-work-')
  expect(read('work', nextCursor)).not.toContain('gh-home-')
})
