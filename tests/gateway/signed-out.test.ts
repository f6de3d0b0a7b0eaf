// Servers nobody is signed in at: known for that at once and after a restart, without being asked.
import { expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { eventually } from '../support/daemon'
import { type EvilAs, startEvilAs } from '../support/evil-as'
import { createMemoryKeychain } from '../support/memory-keychain'
import { oauthGateway } from '../support/oauth-gateway'
import { openCaller, textOf } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

type Mux = Awaited<ReturnType<typeof oauthGateway>>

const needed = { status: 'needs_authorization', need: 'first' }
const missing = async (mux: Mux) =>
  (await mux.control.get<{ servers: { missing: string | null }[] }>('/status')).servers[0]?.missing
const contacts = (evil: EvilAs) => evil.at('resource').length
const whoami = (mux: Mux) =>
  eventually(
    () => mux.caller.call('guarded_whoami', {}),
    (answer) => answer.error === undefined,
  )

test('[oauth.flow] [cli] who signed out is told that a sign-in is needed, at once and after a restart', async () => {
  await using evil = await startEvilAs()
  const [place, keychain] = [tempHome(), createMemoryKeychain()]
  const before = await oauthGateway(systemRuntime, place, keychain)
  const { id } = await before.add(evil.mcpUrl)
  await before.signIn(id)
  await whoami(before)
  await before.control.send('PATCH', `/servers/${id}`, { keepRunning: true })
  const out = before.control.send<{ server: { state: object } }>('POST', `/servers/${id}/logout`)
  expect((await out).server.state).toEqual(needed)
  // Its session is ended, and that is the last it hears.
  await Bun.sleep(300)
  const heard = contacts(evil)
  expect((await before.view(id)).state).toEqual(needed)
  expect(await missing(before)).toBe('sign-in needed: mcpmux login guarded (nobody is signed in)')
  await Bun.sleep(300)
  expect(contacts(evil)).toBe(heard)
  await before.gateway.stop()

  await using after = await oauthGateway(systemRuntime, place, keychain)
  expect((await after.view(id)).state).toEqual(needed)
  expect(await missing(after)).toBe('sign-in needed: mcpmux login guarded (nobody is signed in)')
  await Bun.sleep(300)
  expect(contacts(evil)).toBe(heard)
  // Its tools are known; who calls one is told what to do.
  expect(await after.caller.names()).toContain('guarded_whoami')
  const refused = await after.caller.call('guarded_whoami', {})
  expect(refused.error?.data?.code).toBe('upstream.unauthorized')
  expect(refused.error?.message).toContain('`mcpmux login guarded`')
  await after.signIn(id)
  await whoami(after)
  await eventually(
    () => after.view(id),
    ({ state }) => state.status === 'ready',
  )
  expect(await missing(after)).toBeNull()
})

test('[oauth.flow] [cli] a server nobody ever signed in at is known for it until it lets everybody in', async () => {
  let isOpen = false
  const asked: string[] = []
  await using server = {
    http: Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        if (request.method !== 'POST') return new Response(null, { status: 405 })
        const { id, method } = (await request.json()) as { id?: number; method: string }
        asked.push(method)
        if (!isOpen) return new Response(null, { status: 401 })
        if (id === undefined) return new Response(null, { status: 202 })
        const result =
          method === 'initialize'
            ? {
                protocolVersion: '2025-11-25',
                capabilities: { tools: {} },
                serverInfo: { name: 'open', version: '1' },
              }
            : {
                tools: [{ name: 'echo', inputSchema: { type: 'object' } }],
                content: [{ type: 'text', text: 'here' }],
              }
        return Response.json({ jsonrpc: '2.0', id, result })
      },
    }),
    [Symbol.asyncDispose]: () => server.http.stop(true),
  }
  const [place, keychain] = [tempHome(), createMemoryKeychain()]
  const before = await oauthGateway(systemRuntime, place, keychain)
  const { id, state } = await before.add(`http://127.0.0.1:${server.http.port}/mcp`)
  expect(state).toEqual(needed)
  await before.gateway.stop()
  const heard = asked.length

  await using after = await oauthGateway(systemRuntime, place, keychain)
  expect((await after.view(id)).state).toEqual(needed)
  expect(asked.length).toBe(heard)
  // A person who says so has it asked again.
  isOpen = true
  await after.control.send('POST', `/servers/${id}/connect`)
  expect((await after.view(id)).state.status).toBe('ready')
  await after.control.send('POST', `/servers/${id}/stop`)
  expect((await after.view(id)).state).toEqual({ status: 'idle' })
  const caller = await openCaller(after.gateway, after.key)
  expect(textOf(await caller.call('guarded_echo'))).toBe('here')
})
