import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { createLists } from '../../gateway/router/lists'
import { createRouter } from '../../gateway/router/router'
import { policyWorld, server, settingsWith } from '../support/policy-data'
import { exchange, recordingUpstreams, scan, states, tasks } from '../support/recording-upstreams'

function build() {
  const world = policyWorld()
  world.add(server('gh'), {
    tool: ['create_issue', 'admin.delete/all'],
    prompt: ['review'],
    resource: ['gh://readme', 'file:///shared', 'ui://app'],
    template: ['gh://issue/{id}'],
  })
  world.add(server('fs', { position: 1 }), { tool: ['read'], resource: ['file:///shared', 'ui://app'] })
  world.add(server('plain', { alias: '', position: 2 }), { tool: ['echo', 'straße'] })
  const recording = recordingUpstreams()
  const lists = createLists({ settings: settingsWith(), absences: () => [] })
  const router = createRouter({ upstreams: recording.upstreams, lists, states, tasks })
  const route = async (message: string, token: string | null = null, clientId = 'all') => {
    const bytes = await router.route(world.views.view(clientId, 'home'), scan(message), exchange(token))
    return new TextDecoder().decode(bytes)
  }
  const codeOf = async (message: string, clientId?: string): Promise<string> => {
    try {
      return `answered ${await route(message, null, clientId)}`
    } catch (error) {
      if (error instanceof GatewayError) return error.code
      throw error
    }
  }
  return { world, route, codeOf, ...recording }
}

const request = (method: string, params: string, id = '1') =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`

const literals =
  '{"n":9007199254740993,"big":1e400,"f":1.0,"neg":-0,"dup":1,"dup":2,"esc":"\\u0041\\/","🙂":"\\ud83d","deep":[[[{"name":"x","uri":"y"}]]] , "sp" : null }'

test('[gw.transparent] only the name of a call changes on its way up', async () => {
  const { route, sent } = build()
  const params = (name: string) =>
    `{ "_meta":{"traceparent":"00-a","acme/x":1.0}, "vendor":[1e400],\t"name" : "${name}", "arguments":${literals} ,"arguments2":{"name":"gh_create_issue"}}`
  await route(request('tools/call', params('gh_create_issue')))
  expect(sent).toEqual([
    {
      how: 'request',
      serverId: 'gh',
      message: request('tools/call', params('create_issue')),
      progressToken: null,
    },
  ])
})

test('[gw.transparent] a result comes down byte for byte, in whatever order it was written', async () => {
  const { route, state } = build()
  const result = `{"content":[{"type":"acme","x":${literals}}],"structuredContent":${literals},"isError":true,"_meta":{"a/b":1.0}}`
  for (const answer of [
    `{"jsonrpc":"2.0","id":17,"result":${result}}`,
    `{"result":${result},"acme":1.0,\n"id" : 17 ,"jsonrpc":"2.0"}`,
  ]) {
    state.answer = answer
    expect(await route(request('tools/call', '{"name":"plain_x"}').replace('plain_x', 'echo'), null)).toBe(
      answer.replace('17', '1'),
    )
  }
})

test('[mcp.errors] an error of the server keeps code, message and data', async () => {
  const { route, state } = build()
  state.answer =
    '{"jsonrpc":"2.0","id":9,"error":{"code":-32055,"message":"MCP error -32055: no","data":{"x":1.0}}}'
  expect(await route(request('tools/call', '{"name":"fs_read"}', '"a"'))).toBe(
    state.answer.replace('"id":9', '"id":"a"'),
  )
})

test('[mcp.ids] the id comes back as the client wrote it', async () => {
  const { route } = build()
  for (const id of ['0', '"0"', '"\\u0061"', '-7', '9007199254740991', '"é"']) {
    expect(await route(request('tools/call', '{"name":"echo"}', id))).toBe(
      `{"jsonrpc":"2.0","id":${id},"result":{}}`,
    )
    expect(await route(request('prompts/list', '{}', id))).toStartWith(
      `{"jsonrpc":"2.0","id":${id},"result":{"prompts":[`,
    )
  }
})

test('[names] cut, escaped and unprefixed names reach the server as its own', async () => {
  const { world, route, sent } = build()
  const names = world.views
    .view('all', 'home')
    .list('tool')
    .map(({ exposedName }) => exposedName)
  expect(names[1]).toMatch(/^gh_admin_delete_all__[a-z2-7]{10}$/)
  await route(request('tools/call', `{"name":"${names[1]}"}`))
  await route(request('tools/call', '{"n\\u0061me":"fs_\\u0072ead"}'))
  await route(request('tools/call', '{"name":"str\\u0061\\u00dfe"}'))
  expect(sent.map(({ serverId, message }) => [serverId, scanParams(message)])).toEqual([
    ['gh', '{"name":"admin.delete/all"}'],
    ['fs', '{"n\\u0061me":"read"}'],
    ['plain', '{"name":"str\\u0061\\u00dfe"}'],
  ])
})

const scanParams = (message: string) => message.slice(message.indexOf('"params":') + 9, -1)

test('[gw.transparent] a key that is judged may not be given twice', async () => {
  const { codeOf, sent } = build()
  for (const [method, params] of [
    ['tools/call', '{"name":"echo","name":"gh_create_issue"}'],
    ['tools/call', '{"name":"echo","n\\u0061me":"gh_create_issue"}'],
    ['prompts/get', '{"name":"gh_review","name":"gh_review"}'],
    ['resources/read', '{"uri":"gh://readme","uri":"x"}'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"gh_review"},"ref":{}}'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"gh_review","name":"x"}}'],
    ['tools/list', '{"cursor":"a","cursor":"b"}'],
  ] as const) {
    expect([method, params, await codeOf(request(method, params))]).toEqual([method, params, 'rpc.params'])
  }
  expect(sent).toEqual([])
})

test('[mcp.tools] parameters without a usable name are refused', async () => {
  const { codeOf, sent } = build()
  for (const params of ['{}', '{"name":1}', '{"name":null}', '{"name":{"name":"echo"}}']) {
    expect(await codeOf(request('tools/call', params))).toBe('rpc.params')
  }
  expect(await codeOf('{"jsonrpc":"2.0","id":1,"method":"tools/call"}')).toBe('rpc.params')
  expect(sent).toEqual([])
})

test('[mcp.tools] methods nobody serves are not found, those of every object neither', async () => {
  const { codeOf } = build()
  for (const method of ['acme/x', 'tools', 'tools/Call', 'toString', 'constructor', '__proto__', '']) {
    expect(await codeOf(request(method, '{}'))).toBe('rpc.method_unknown')
  }
})

test('[mcp.prompts] a prompt is fetched under its own name', async () => {
  const { route, sent } = build()
  await route(request('prompts/get', `{"name":"gh_review","arguments":{"a":"1.0"}}`))
  expect(scanParams(sent[0]?.message ?? '')).toBe('{"name":"review","arguments":{"a":"1.0"}}')
})

test('[mcp.resources] a unique URI passes untouched, a wrapped one is unwrapped', async () => {
  const { route, sent } = build()
  await route(request('resources/read', '{"uri":"gh:\\/\\/readme","x":1.0}'))
  await route(request('resources/read', '{"uri":"gh://issue/7"}'))
  await route(request('resources/read', '{"uri":"mcpmux+fs:file:///shared"}'))
  await route(request('resources/subscribe', '{"uri":"mcpmux+gh:file:///shared"}'))
  await route(request('resources/unsubscribe', '{"uri":"ui://mcpmux+gh/app"}'))
  expect(sent.map(({ how, serverId, uri, message }) => [how, serverId, uri, scanParams(message)])).toEqual([
    ['request', 'gh', undefined, '{"uri":"gh:\\/\\/readme","x":1.0}'],
    ['request', 'gh', undefined, '{"uri":"gh://issue/7"}'],
    ['request', 'fs', undefined, '{"uri":"file:///shared"}'],
    ['subscribe', 'gh', 'file:///shared', '{"uri":"file:///shared"}'],
    ['unsubscribe', 'gh', 'ui://app', '{"uri":"ui://app"}'],
  ])
})

test('[mcp.resources] an unsubscribe the server need not hear of is answered all the same', async () => {
  const { route, state } = build()
  state.answer = null
  expect(await route(request('resources/unsubscribe', '{"uri":"gh://readme"}', '"u"'))).toBe(
    '{"jsonrpc":"2.0","id":"u","result":{}}',
  )
})

test('[mcp.resources] URIs that belong to nobody, or to two, are unknown', async () => {
  const { codeOf, sent } = build()
  for (const uri of ['file:///shared', 'nobody://x', 'mcpmux+plain:file:///shared', 'gh://issue/1/2', '']) {
    expect(await codeOf(request('resources/read', `{"uri":"${uri}"}`))).toBe('resource.unknown')
  }
  expect(sent).toEqual([])
})

test('[mcp.resources] wrapped URIs are put into results, and nothing else is changed there', async () => {
  const { route, state } = build()
  const result = (uri: string) =>
    `{"acme":1.0,"content":[{"type":"text","text":"file:///shared","uri":"file:///shared"},{"uri" : "${uri}","type":"resource_link","size":1e400},{"type":"resource","resource":{"uri":"${uri}","text":"file:///shared"}},{"type":"resource_link","uri":"gh://readme"},{"type":"resource_link","uri":7}],"structuredContent":{"uri":"file:///shared"}}`
  state.answer = `{"result":${result('file:///shared')},"id":5,"jsonrpc":"2.0"}`
  expect(await route(request('tools/call', '{"name":"gh_create_issue"}'))).toBe(
    `{"result":${result('mcpmux+gh:file:///shared')},"id":1,"jsonrpc":"2.0"}`,
  )
  const contents = (uri: string) =>
    `{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"${uri}","text":"x"}]}}`
  state.answer = contents('file:\\/\\/\\/shared')
  expect(await route(request('resources/read', '{"uri":"mcpmux+fs:file:///shared"}'))).toBe(
    contents('mcpmux+fs:file:///shared'),
  )
  const messages = (uri: string) =>
    `{"jsonrpc":"2.0","id":1,"result":{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"${uri}"}}},{"role":"user","content":"odd"}]}}`
  state.answer = messages('file:///shared')
  expect(await route(request('prompts/get', '{"name":"gh_review"}'))).toBe(
    messages('mcpmux+gh:file:///shared'),
  )
})

test('[faults] a result that cannot be read for its URIs passes as it is', async () => {
  const { route, state } = build()
  for (const result of [
    '[]',
    '"x"',
    '{"content":7}',
    '{"content":[7,null,[]]}',
    '{"content":[],"content":[]}',
    '{"messages":[1]}',
  ]) {
    state.answer = `{"jsonrpc":"2.0","id":1,"result":${result}}`
    expect(await route(request('tools/call', '{"name":"gh_create_issue"}'))).toBe(state.answer)
  }
})

test('[mcp.completion] references get their own names back, context stays', async () => {
  const { route, codeOf, sent } = build()
  const rest = '"argument":{"name":"gh_review","value":"1.0"},"context":{"arguments":{"uri":"x"}}'
  await route(
    request('completion/complete', `{"ref":{"type":"ref/prompt","name":"gh_review","title":"t"},${rest}}`),
  )
  await route(
    request('completion/complete', `{${rest},"ref":{"uri":"gh://issue/{id}","type":"ref/resource"}}`),
  )
  await route(
    request('completion/complete', `{"ref":{"uri":"mcpmux+fs:file:///shared","type":"ref/resource"}}`),
  )
  expect(sent.map(({ serverId, message }) => [serverId, scanParams(message)])).toEqual([
    ['gh', `{"ref":{"type":"ref/prompt","name":"review","title":"t"},${rest}}`],
    ['gh', `{${rest},"ref":{"uri":"gh://issue/{id}","type":"ref/resource"}}`],
    ['fs', `{"ref":{"uri":"file:///shared","type":"ref/resource"}}`],
  ])
  expect(await codeOf(request('completion/complete', '{"ref":{"type":"ref/prompt","name":"fs_read"}}'))).toBe(
    'feature.unknown',
  )
  expect(await codeOf(request('completion/complete', '{"ref":{"type":"ref/tool","name":"fs_read"}}'))).toBe(
    'rpc.params',
  )
  expect(await codeOf(request('completion/complete', '{"ref":{"type":"ref/resource","uri":"no://x"}}'))).toBe(
    'resource.unknown',
  )
})

test('[mcp.progress] the place of the progress token is found where the client asked for progress', async () => {
  const { route, sent } = build()
  const params = '{"_meta":{"x":{"progressToken":"inner"},"progressToken":"p\\u0031"},"name":"echo"}'
  await route(request('tools/call', params), '"p\\u0031"')
  await route(request('tools/call', params), null)
  await route(request('tools/call', '{"name":"echo"}'), '7')
  expect(sent.map(({ progressToken }) => progressToken)).toEqual(['"p\\u0031"', null, null])
})

test('[mcp.tools] an answer without an id is the fault of the server', async () => {
  const { codeOf, state } = build()
  state.answer = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}'
  expect(await codeOf(request('tools/call', '{"name":"echo"}'))).toBe('upstream.garbage')
})
