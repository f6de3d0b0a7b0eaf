// Sign-ins at servers through a whole gateway: from the refusal to the first call, over a restart, and at a new address.
import { expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { eventually } from '../support/daemon'
import { startEvilAs } from '../support/evil-as'
import { createMemoryKeychain } from '../support/memory-keychain'
import { oauthGateway } from '../support/oauth-gateway'
import { textOf } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

interface Flow {
  id: string
  phase: string
  url: string | null
  issuer: string
}
type Mux = Awaited<ReturnType<typeof oauthGateway>>

const login = (mux: Mux, id: string) => mux.control.send<Flow>('POST', `/servers/${id}/login`, {})
const ready = (mux: Mux, id: string) =>
  eventually(
    () => mux.view(id),
    ({ state }) => state.status === 'ready',
  )

/** Its tools are read a moment after it is there. */
const whoami = async (mux: Mux) =>
  textOf(
    await eventually(
      () => mux.caller.call('guarded_whoami', {}),
      (answer) => answer.error === undefined,
    ),
  )

test('[oauth.flow] a person signs in in the browser, and the server is connected and used without more ado', async () => {
  await using evil = await startEvilAs()
  await using mux = await oauthGateway()
  const { id, state } = await mux.add(evil.mcpUrl)
  expect(state).toMatchObject({ status: 'needs_authorization', need: 'first' })
  const flow = await login(mux, id)
  expect(flow).toMatchObject({ phase: 'waiting', issuer: evil.issuer })
  const page = await fetch(await evil.browse(flow.url ?? ''))
  expect(page.url).toBe(new URL('/oauth/answered', mux.gateway.mcpUrl).href)
  await ready(mux, id)
  expect(await whoami(mux)).toContain('tools:read')
  const asked = evil.at('issuer', '/authorize')
  expect(asked[0]?.query.getAll('resource')).toEqual([evil.mcpUrl])
  expect(evil.at('issuer', '/token')[0]?.form.getAll('resource')).toEqual([evil.mcpUrl])
  const lines = await mux.control.get<{ source: string; message: string }[]>(`/servers/${id}/logs`)
  expect(lines.filter(({ source }) => source === 'OAuth').map(({ message }) => message)).toEqual([
    `sign-in at ${evil.issuer}: waits for a person`,
    `sign-in at ${evil.issuer}: the browser came back`,
    `sign-in at ${evil.issuer}: done`,
  ])
})

test('[oauth.flow] a sign-in waits through a restart, and the whole address can be given by hand', async () => {
  await using evil = await startEvilAs()
  const [place, keychain] = [tempHome(), createMemoryKeychain()]
  const before = await oauthGateway(systemRuntime, place, keychain)
  const { id } = await before.add(evil.mcpUrl)
  const flow = await login(before, id)
  await before.gateway.stop()
  await using after = await oauthGateway(systemRuntime, place, keychain)
  expect(await after.control.get<Flow>(`/flows/${flow.id}`)).toMatchObject({
    phase: 'waiting',
    url: flow.url,
  })
  const address = String(await evil.browse(flow.url ?? ''))
  const done = await after.control.send<Flow>('POST', `/flows/${flow.id}/callback`, { url: address })
  expect(done.phase).toBe('done')
  await ready(after, id)
  // It serves once, whatever run it is.
  await expect(after.control.send('POST', `/flows/${flow.id}/callback`, { url: address })).rejects.toThrow(
    'oauth.flow_unknown',
  )
})

test('[oauth.refresh] [threat.38] a gateway that is stopped while it renews keeps what comes of it', async () => {
  await using evil = await startEvilAs()
  const [place, keychain] = [tempHome(), createMemoryKeychain()]
  const asked = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  let ahead = 0
  const fetch = async (...request: Parameters<typeof systemRuntime.fetch>) => {
    const body = request[1]?.body
    const form = body instanceof Uint8Array ? new TextDecoder().decode(body) : ''
    const response = await systemRuntime.fetch(...request)
    if (!form.includes('grant_type=refresh_token')) return response
    asked.resolve()
    await held.promise
    return response
  }
  const runtime = {
    ...systemRuntime,
    now: () => systemRuntime.now() + ahead,
    fetch: Object.assign(fetch, { preconnect: systemRuntime.fetch.preconnect }),
  }
  const before = await oauthGateway(runtime, place, keychain)
  const { id } = await before.add(evil.mcpUrl)
  await before.signIn(id)
  await ready(before, id)
  expect(await whoami(before)).toContain('tools:read')
  ahead = 2 * 3_600_000
  const call = before.caller.call('guarded_whoami', {}).catch(() => undefined)
  await asked.promise
  const stopped = before.gateway.stop()
  // Whoever waits for it is told off after the time calls in flight have; the rest would be closed a moment later.
  await call
  await Promise.race([stopped, Bun.sleep(1500)])
  held.resolve()
  await stopped
  await using after = await oauthGateway({ ...systemRuntime, now: runtime.now }, place, keychain)
  expect(await whoami(after)).toContain('tools:read')
  expect((await after.view(id)).signIn?.needs).toBeNull()
  // The answer that was under way was the only one.
  expect(
    evil.at('issuer', '/token').filter(({ form }) => form.get('grant_type') === 'refresh_token'),
  ).toHaveLength(1)
})

test('[oauth.flow] [threat.36] at another address a server is another one: what it said before does not count', async () => {
  await using one = await startEvilAs()
  await using two = await startEvilAs()
  await using mux = await oauthGateway()
  const { id } = await mux.add(one.mcpUrl)
  await fetch(await one.browse((await login(mux, id)).url ?? ''))
  await ready(mux, id)
  const definition = { type: 'http', url: two.mcpUrl, headers: {} }
  await mux.control.send('PATCH', `/servers/${id}`, { definition })
  await expect(login(mux, id)).rejects.toThrow('upstream.needs_consent')
  await mux.control.send('POST', `/servers/${id}/consent`, { givenBy: 'cli', definition, inputs: [] })
  const flow = await login(mux, id)
  expect(flow.issuer).toBe(two.issuer)
  await fetch(await two.browse(flow.url ?? ''))
  await ready(mux, id)
  expect(two.secretsAt('issuer').concat(two.secretsAt('resource')).join(' ')).not.toContain(
    [...one.grants.families.values()][0]?.refresh[0] ?? '?',
  )
  expect(await whoami(mux)).toContain('tools:read')
})
