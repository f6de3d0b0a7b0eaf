import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { GatewayError } from '../../gateway/errors'
import { createLists } from '../../gateway/router/lists'
import { createRouter } from '../../gateway/router/router'
import { nameMutations } from '../support/name-mutations'
import { exclude, feature, include, policyWorld, server, set, settingsWith } from '../support/policy-data'
import { exchange, recordingUpstreams, scan, states, tasks } from '../support/recording-upstreams'

/** One server of which the client `few` may use a part. */
function guarded() {
  const world = policyWorld()
  world.add(server('gh'), {
    tool: ['create_issue', 'delete_repo', 'Admin'],
    prompt: ['review', 'secret_prompt'],
    resource: ['file:///open', 'file:///secret', 'file:///dir/listed'],
    template: ['file:///{+path}', 'gh://{id}'],
  })
  world.add(server('other', { position: 1 }), {
    tool: ['echo'],
    resource: ['other://x'],
    template: ['other://{+any}'],
  })
  world.grant('few', 'part', [
    include({ type: 'feature', serverId: 'gh', kind: 'tool', name: 'create_issue' }),
    include({ type: 'feature', serverId: 'gh', kind: 'prompt', name: 'review' }),
    include({ type: 'feature', serverId: 'gh', kind: 'resource', name: 'file:///open' }),
    include({ type: 'feature', serverId: 'gh', kind: 'template', name: 'file:///{+path}' }),
    exclude({ type: 'pattern', pattern: 'gh/file:///private/*' }),
  ])
  const { upstreams, sent, state } = recordingUpstreams()
  const lists = createLists({ settings: settingsWith(), absences: () => [] })
  const router = createRouter({ upstreams, lists, states, tasks })
  const failure = async (method: string, params: object, clientId = 'few') => {
    const message = scan(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
    try {
      await router.route(world.views.view(clientId, 'home'), message, exchange())
      return null
    } catch (error) {
      if (error instanceof GatewayError) return { code: error.code, message: error.message }
      throw error
    }
  }
  return { world, failure, sent, state }
}

test('[threat.17] what is not in the view cannot be used by any method', async () => {
  const { failure, sent } = guarded()
  const hidden: [method: string, params: object, code: string][] = [
    ['tools/call', { name: 'gh_delete_repo' }, 'feature.unknown'],
    ['tools/call', { name: 'other_echo' }, 'feature.unknown'],
    ['tools/call', { name: 'delete_repo' }, 'feature.unknown'],
    ['prompts/get', { name: 'gh_secret_prompt' }, 'feature.unknown'],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'gh_secret_prompt' } }, 'feature.unknown'],
    ['completion/complete', { ref: { type: 'ref/resource', uri: 'gh://{id}' } }, 'resource.unknown'],
    ['resources/read', { uri: 'other://x' }, 'resource.unknown'],
    ['resources/read', { uri: 'gh://7' }, 'resource.unknown'],
    ['resources/subscribe', { uri: 'other://x' }, 'resource.unknown'],
    ['resources/unsubscribe', { uri: 'other://x' }, 'resource.unknown'],
  ]
  for (const [method, params, code] of hidden) {
    expect([method, params, (await failure(method, params))?.code]).toEqual([method, params, code])
  }
  expect(sent).toEqual([])
})

test('[threat.17] hidden and nonexistent read the same', async () => {
  const { failure } = guarded()
  const tell = async (method: string, params: object, word: string) =>
    JSON.stringify(await failure(method, params)).replaceAll(word, 'NAME')
  expect(await tell('tools/call', { name: 'gh_delete_repo' }, 'gh_delete_repo')).toBe(
    await tell('tools/call', { name: 'gh_missing' }, 'gh_missing'),
  )
  expect(await tell('prompts/get', { name: 'gh_secret_prompt' }, 'gh_secret_prompt')).toBe(
    await tell('prompts/get', { name: 'nowhere' }, 'nowhere'),
  )
  expect(await tell('resources/read', { uri: 'file:///secret' }, 'file:///secret')).toBe(
    await tell('resources/read', { uri: 'nobody://x' }, 'nobody://x'),
  )
})

test('[threat.17] no spelling of a name but the listed one is accepted', async () => {
  const { failure, sent } = guarded()
  expect(await failure('tools/call', { name: 'gh_create_issue' })).toBeNull()
  const tried = ['gh_create_issue', 'gh_delete_repo'].flatMap(nameMutations)
  expect(tried.length).toBeGreaterThan(200)
  const accepted: string[] = []
  for (const name of tried)
    if ((await failure('tools/call', { name }))?.code !== 'feature.unknown') accepted.push(name)
  expect(accepted).toEqual([])
  expect(sent).toHaveLength(1)
})

test('[threat.17] a template does not open what the policy closed', async () => {
  const { failure, sent } = guarded()
  expect(await failure('resources/read', { uri: 'file:///open' })).toBeNull()
  expect(await failure('resources/read', { uri: 'file:///any/other' })).toBeNull()
  expect(sent).toHaveLength(2)
  for (const uri of [
    'file:///secret',
    'file:///%73ecret',
    'file:///x/../secret',
    'file:///./secret',
    'file:///dir/listed',
    'file:///private/key',
    'file:///%70rivate/key',
    'file:///a/../private/key',
  ]) {
    expect([uri, (await failure('resources/read', { uri }))?.code]).toEqual([uri, 'resource.unknown'])
  }
  expect(sent).toHaveLength(2)
})

test('[threat.17] a tool that appears later is in a set that says all, and in no set that names tools', () => {
  const { world } = guarded()
  const sees = (clientId: string) => world.views.view(clientId, 'home').lookup('tool', 'gh_new') !== null
  expect([sees('few'), sees('all')]).toEqual([false, false])
  world.features.get('gh')?.push(feature('gh', 'tool', 'new', { position: 9 }))
  world.events.emit('catalog.changed', { spaceId: 'home', serverId: 'gh', kinds: ['tools'] })
  expect([sees('few'), sees('all')]).toEqual([false, true])
})

test('[threat.17] a set that is gone, empty or circular closes at once', () => {
  const { world } = guarded()
  const seen = () => world.views.view('few', 'home').list('tool').length
  const at = world.sets.findIndex(({ id }) => id === 'part')
  const part = world.sets[at]
  expect(seen()).toBe(1)
  const become = (...sets: (typeof part)[]) => {
    world.sets.splice(at, world.sets.length, ...sets.filter((one) => one !== undefined))
    world.events.emit('policy.changed', { spaceId: 'home', clientId: null })
    return seen()
  }
  expect(become()).toBe(0)
  expect(become(set('part', []))).toBe(0)
  expect(become(set('part', [include({ type: 'all' }), include({ type: 'set', setId: 'part' })]))).toBe(0)
  expect(become(part)).toBe(1)
})

test('[threat.17] [sets] for random rights, a call goes up exactly if the list shows its tool', async () => {
  const names = ['a', 'b', 'c'].flatMap((id) => ['x', 'y', 'z'].map((tool) => ({ id, tool })))
  const target = fc.oneof(
    fc.constant({ type: 'all' as const }),
    fc.constantFrom('a', 'b', 'c').map((serverId) => ({ type: 'server' as const, serverId })),
    fc.constantFrom('a/*', '*/x', '*', 'b/y', '*z').map((pattern) => ({ type: 'pattern' as const, pattern })),
    fc
      .constantFrom(...names)
      .map(({ id, tool }) => ({ type: 'feature' as const, serverId: id, kind: 'tool' as const, name: tool })),
  )
  const members = fc.array(
    fc.record({ mode: fc.constantFrom('include' as const, 'exclude' as const), target }),
    {
      maxLength: 5,
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(members, { maxLength: 3 }), async (sets) => {
      const world = policyWorld()
      for (const id of ['a', 'b', 'c']) world.add(server(id), { tool: ['x', 'y', 'z'] })
      for (const [n, one] of sets.entries()) world.grant('client', `set${n}`, one)
      const { upstreams, sent } = recordingUpstreams()
      const lists = createLists({ settings: settingsWith(), absences: () => [] })
      const router = createRouter({ upstreams, lists, states, tasks })
      const view = world.views.view('client', 'home')
      const page = JSON.parse(new TextDecoder().decode(lists.page(view, 'tool', null))) as {
        tools: { name: string }[]
      }
      const called: string[] = []
      for (const { id, tool } of names) {
        const name = `${id}_${tool}`
        const message = scan(
          JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }),
        )
        await router.route(view, message, exchange()).then(
          () => called.push(name),
          (error: unknown) => expect(error).toMatchObject({ code: 'feature.unknown' }),
        )
      }
      expect(called).toEqual(page.tools.map(({ name }) => name))
      expect(sent.map(({ serverId }) => serverId)).toEqual(called.map((name) => name.slice(0, 1)))
    }),
    { numRuns: 6000 },
  )
}, 120_000)
