// "ready" is a promise to whoever waits for it and lists then.
import { expect, test } from 'bun:test'
import { eventually } from '../support/daemon'
import { oauthGateway } from '../support/oauth-gateway'
import { textOf } from '../support/scripted'

/** A server whose list of tools comes, or fails, when it is let go. */
function slowLister() {
  const asked: string[] = []
  let held = Promise.withResolvers<'tools' | 'failure'>()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const { id, method } = (await request.json()) as { id?: number; method: string }
      if (id === undefined) return new Response(null, { status: 202 })
      asked.push(method)
      const answer = (more: object) => Response.json({ jsonrpc: '2.0', id, ...more })
      switch (method) {
        case 'initialize':
          return answer({
            result: {
              protocolVersion: '2025-11-25',
              capabilities: { tools: {} },
              serverInfo: { name: 'slow', version: '1' },
            },
          })
        case 'tools/list':
          return (await held.promise) === 'tools'
            ? answer({ result: { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] } })
            : answer({ error: { code: -32603, message: 'out of order' } })
        case 'tools/call':
          return answer({ result: { content: [{ type: 'text', text: 'called' }] } })
        default:
          return answer({ error: { code: -32601, message: 'no such method' } })
      }
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    lists: () => asked.filter((method) => method === 'tools/list').length,
    hold: () => void (held = Promise.withResolvers()),
    letGo: (how: 'tools' | 'failure') => held.resolve(how),
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

test('[admin] a server is ready once its lists were read, and calls do not wait for that', async () => {
  await using server = slowLister()
  await using mux = await oauthGateway()
  const adding = mux.add(server.url, 'slow')
  adding.catch(() => undefined)
  await eventually(
    () => server.lists(),
    (many) => many === 1,
  )
  const seen = async () => {
    const [only] =
      await mux.control.get<{ id: string; state: { status: string }; features: { tool: number } }[]>(
        '/servers',
      )
    return { id: only?.id ?? '', state: only?.state.status, tools: only?.features.tool }
  }
  expect(await seen()).toMatchObject({ state: 'connecting', tools: 0 })
  server.letGo('tools')
  await eventually(seen, ({ state }) => state === 'ready')
  expect(await mux.caller.names()).toEqual(['slow_echo'])
  await adding

  // Known tools are called while they are read again.
  server.hold()
  const { id } = await seen()
  await mux.control.send('POST', `/servers/${id}/stop`)
  expect(textOf(await mux.caller.call('slow_echo'))).toBe('called')
  expect((await seen()).state).toBe('connecting')
  // That they cannot be read does not keep it from being used.
  server.letGo('failure')
  await eventually(seen, ({ state }) => state === 'ready')
  expect(await mux.caller.names()).toEqual(['slow_echo'])
})
