// How it is found out where a person signs in, at servers that are not like the others.
import { expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { startEvilAs } from '../support/evil-as'
import { openFlowParts } from '../support/flow-parts'
import { startRawPeer } from '../support/raw-peer'
import { tempVault } from '../support/temp-vault'

/** A server of our own, with what came to it. */
function serve(answer: (path: string, request: Request) => Response | undefined) {
  const asked: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url)
      asked.push(`${request.method} ${pathname}`)
      return answer(pathname, request) ?? new Response('nothing', { status: 404 })
    },
  })
  return { asked, origin: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) }
}
const unauthorized = (headers: Record<string, string> = {}) => new Response(null, { status: 401, headers })

test('[oauth.flow] a server that publishes nothing is its own authorization server, as MCP 2025-03-26 has it', async () => {
  await using old = serve((path) => {
    if (path === '/mcp') return unauthorized()
    if (path === '/register') return Response.json({ client_id: 'c', client_secret: 's' }, { status: 201 })
    if (path === '/token') return Response.json({ access_token: 'a', token_type: 'Bearer', expires_in: 60 })
    return undefined
  })
  await using parts = await openFlowParts()
  const flow = await parts.flows.begin(parts.addServer(`${old.origin}/mcp`).id)
  const url = new URL(flow.url ?? '')
  expect([url.origin + url.pathname, flow.issuer, flow.scope]).toEqual([
    `${old.origin}/authorize`,
    old.origin,
    null,
  ])
  expect(url.searchParams.getAll('resource')).toEqual([`${old.origin}/mcp`])
  expect(url.searchParams.get('code_challenge_method')).toBe('S256')
  const answer = `${parts.origin}/oauth/callback?code=x&state=${url.searchParams.get('state')}`
  expect(await parts.flows.finish(answer)).toMatchObject({ phase: 'done' })
  expect(old.asked).toEqual([
    'POST /mcp',
    'GET /.well-known/oauth-protected-resource/mcp',
    'GET /.well-known/oauth-protected-resource',
    'GET /.well-known/oauth-authorization-server',
    'GET /.well-known/openid-configuration',
    'POST /register',
    'POST /token',
  ])
})

test('[oauth.flow] a server that lets everybody in has no sign-in', async () => {
  await using open = serve((path) => (path === '/mcp' ? Response.json({}) : undefined))
  await using parts = await openFlowParts()
  await expect(parts.flows.begin(parts.addServer(`${open.origin}/mcp`).id)).rejects.toMatchObject({
    code: 'oauth.not_offered',
  })
  const headed = parts.addServer(`${open.origin}/mcp`, { headers: { authorization: 'Bearer mine' } })
  await expect(parts.flows.begin(headed.id)).rejects.toMatchObject({ code: 'oauth.not_offered' })
})

test('[oauth.flow] a server of the older HTTP with SSE is asked the way it is listened to', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl, { type: 'sse' })
  expect((await parts.signIn(evil, server.id)).phase).toBe('done')
  expect(evil.at('resource', '/mcp').map(({ method }) => method)).toEqual(['GET'])
})

test('[oauth.flow] nothing is asked of a server nobody approved, and nothing while the vault is closed', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  parts.refuseConsent()
  await expect(parts.flows.begin(server.id)).rejects.toMatchObject({ code: 'upstream.needs_consent' })
  await using closed = await openFlowParts({ stores: parts.stores, vault: closedVault(parts) })
  await expect(closed.flows.begin(server.id)).rejects.toMatchObject({ code: 'keychain.unavailable' })
  expect(evil.log).toEqual([])
})

const closedVault = (parts: Awaited<ReturnType<typeof openFlowParts>>) =>
  tempVault(parts.stores, parts.keychain)

test('[oauth.flow] of several authorization servers it is the first that works, and from then on that one', async () => {
  await using one = await startEvilAs()
  await using two = await startEvilAs()
  let issuers = ['https://10.0.0.1', one.issuer, two.issuer]
  await using many = serve((path) => {
    if (path === '/mcp') return unauthorized()
    if (path !== '/.well-known/oauth-protected-resource/mcp') return undefined
    return Response.json({ resource: `${many.origin}/mcp`, authorization_servers: issuers })
  })
  await using parts = await openFlowParts()
  const server = parts.addServer(`${many.origin}/mcp`)
  expect((await parts.flows.begin(server.id)).issuer).toBe(one.issuer)
  issuers = [two.issuer, one.issuer]
  expect((await parts.flows.begin(server.id, { scope: 'more' })).issuer).toBe(one.issuer)
})

test('[oauth.flow] a sign-in that waits ends with the address of its server, and stays with another name', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const { id, spaceId } = parts.addServer(evil.mcpUrl)
  const flow = await parts.flows.begin(id)
  const changed = () => parts.events.emit('server.changed', { spaceId, serverId: id })
  parts.stores.servers.update(id, { name: 'renamed' })
  changed()
  expect(parts.flows.get(flow.id).phase).toBe('waiting')
  parts.stores.servers.update(id, {
    definition: { type: 'http', url: `${evil.resource}/other`, headers: {} },
  })
  changed()
  expect(parts.flows.get(flow.id)).toMatchObject({ phase: 'cancelled', error: 'oauth.interrupted' })
  parts.stores.servers.remove(id)
  changed()
  expect(parts.flows.list()).toEqual([])
})

test('[oauth.flow] a run that ended while it traded a code says so, and the sign-in can begin anew', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const flow = await parts.flows.begin(server.id)
  parts.stores.flows.step(flow.id, 'waiting', 'received')
  await using next = await openFlowParts({ stores: parts.stores, vault: parts })
  expect(next.flows.get(flow.id)).toMatchObject({ phase: 'failed', error: 'oauth.interrupted', url: null })
  expect((await next.signIn(evil, server.id)).phase).toBe('done')
})

test('[oauth.flow] [threat.34] a server that refuses a byte at a time does not hold the sign-in up', async () => {
  const timers = new Set<() => void>()
  let trickles = 0
  // One for each address; only the first is told to be in no hurry.
  await using slow = await startRawPeer(async (write) => {
    if (++trickles > 1)
      return void (await write('HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'))
    await write('HTTP/1.1 401 No\r\ncontent-length: 4096\r\n\r\n')
    for (let bytes = 0; bytes < 4000 && (await write('x')); bytes++) {
      // Its head was read many turns ago. All the time there is passes, and the body goes on.
      if (bytes === 100) for (const over of timers) over()
      await Bun.sleep(10)
    }
  })
  const runtime = {
    ...systemRuntime,
    sleep: (ms: number, signal?: AbortSignal) =>
      ms === 10_000
        ? new Promise<void>((resolve, reject) => {
            timers.add(resolve)
            signal?.addEventListener('abort', () => reject(signal.reason))
          })
        : systemRuntime.sleep(ms, signal),
  }
  await using parts = await openFlowParts({ runtime })
  const { id } = parts.addServer(`${slow.url}mcp`)
  await expect(parts.flows.begin(id)).rejects.toThrow('does not register McpMux')
  expect(slow.sent()).toBeLessThan(2000)
})
