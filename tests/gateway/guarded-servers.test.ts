import { expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { eventually } from '../support/daemon'
import { oauthGateway } from '../support/oauth-gateway'
import { startOidc } from '../support/oidc'
import { textOf } from '../support/scripted'

for (const format of ['opaque', 'jwt'] as const)
  test(`[oauth.refresh] a server that wants a sign-in says so, and is used after one, with ${format} tokens`, async () => {
    await using oidc = await startOidc({ format })
    await using mux = await oauthGateway()
    const { id, state } = await mux.add(oidc.mcpUrl)
    expect(state).toMatchObject({ status: 'needs_authorization', need: 'first' })
    const refused = await mux.caller.call('guarded_echo', { text: 'hello' })
    expect(refused.error).toBeDefined()
    await mux.signIn(id)
    // Its tools are read a moment later, and it is ready once that has ended.
    const answer = await eventually(
      () => mux.caller.call('guarded_echo', { text: 'hello' }),
      (said) => textOf(said) !== undefined,
    )
    expect(textOf(answer)).toBe('hello')
    await eventually(
      () => mux.view(id),
      ({ state }) => state.status === 'ready',
    )
  })

test('[threat.38] two hundred calls when the tokens run out make one request for tokens, and none fails', async () => {
  let ahead = 0
  await using oidc = await startOidc()
  await using mux = await oauthGateway({ ...systemRuntime, now: () => systemRuntime.now() + ahead })
  const { id } = await mux.add(oidc.mcpUrl)
  await mux.signIn(id)
  await eventually(
    () => mux.caller.call('guarded_echo', { text: 'up' }),
    (answer) => textOf(answer) === 'up',
  )
  const refreshes = async () => (await oidc.log()).tokens.filter(({ grant }) => grant === 'refresh_token')
  for (let round = 1; round <= 2; round++) {
    // No call and no timer renews before: the moment they end is what is looked for.
    const before = (await refreshes()).length
    ahead += 2 * 3_600_000
    const words = Array.from({ length: 200 }, (_, n) => `call ${n}`)
    const answers = await Promise.all(words.map((text) => mux.caller.call('guarded_echo', { text })))
    expect(answers.map(textOf)).toEqual(words)
    expect((await refreshes()).length - before).toBe(1)
  }
  expect((await refreshes()).every(({ status }) => status === 200)).toBe(true)
  expect((await refreshes())[0]).toMatchObject({ resource: oidc.mcpUrl })
  expect((await mux.view(id)).signIn?.needs).toBeNull()
})

for (const [how, clientId] of [
  ['was registered by hand', 'by-hand'],
  ['registered itself', null],
] as const)
  test(`[oauth.refresh] a call that needs more rights says so, the others go on, and a sign-in for more mends it, for a client that ${how}`, async () => {
    await using oidc = await startOidc()
    await using mux = await oauthGateway()
    const { id } = await mux.add(oidc.mcpUrl)
    if (clientId !== null) await mux.control.send('PUT', `/servers/${id}/registration`, { clientId })
    await mux.signIn(id)
    const ready = () => mux.caller.call('guarded_echo', { text: 'up' })
    await eventually(ready, (answer) => textOf(answer) === 'up')
    const lacking = await mux.caller.call('guarded_admin')
    expect(lacking.error?.data?.code).toBe('upstream.unauthorized')
    expect(lacking.error?.message).toContain('mcpmux login guarded')
    expect(textOf(await ready())).toBe('up')
    const view = await eventually(
      () => mux.view(id),
      ({ state }) => state.status === 'ready',
    )
    expect(view).toMatchObject({ signIn: { needs: 'scope', wantedScope: 'tools:admin' } })
    // Nobody is asked twice what one answer says: the call reached the server once.
    const admins = (await oidc.log()).messages.filter(({ name }) => name === 'admin')
    expect(admins.map(({ status }) => status)).toEqual([403])
    await mux.signIn(id)
    expect(textOf(await mux.caller.call('guarded_admin'))).toBe('admin')
    expect((await mux.view(id)).signIn?.needs).toBeNull()
  })

test('[oauth.refresh] a server that refuses a header a person gave is no server that wants a sign-in', async () => {
  await using oidc = await startOidc()
  await using mux = await oauthGateway()
  const input = { id: 'AUTH', secret: true, value: 'Bearer of-a-person' }
  const { state } = await mux.add(oidc.mcpUrl, 'header', { Authorization: '${input:AUTH}' }, [input])
  expect(state).toMatchObject({ status: 'failed', code: 'upstream.credentials_refused' })
  expect((await oidc.log()).messages.every(({ status }) => status === 401)).toBe(true)
})

test('[oauth.refresh] a server that is removed, or signed out of, has its tokens ended at the issuer', async () => {
  await using oidc = await startOidc()
  await using mux = await oauthGateway()
  for (const [round, leave] of [
    (id: string) => mux.control.send('POST', `/servers/${id}/logout`),
    (id: string) => mux.control.send('DELETE', `/servers/${id}`),
  ].entries()) {
    const { id } = await mux.add(oidc.mcpUrl, `guarded${round}`)
    await mux.signIn(id)
    await leave(id)
    await eventually(
      () => oidc.log(),
      ({ revoked }) => revoked === 2 * (round + 1),
    )
    if (round === 0) expect(await mux.view(id)).toMatchObject({ signIn: null })
  }
})

test('[oauth.refresh] calls that wait for new tokens take no place of the server', async () => {
  let ahead = 0
  let held: ReturnType<typeof Promise.withResolvers<void>> | null = null
  let renewals = 0
  const fetch = async (...request: Parameters<typeof systemRuntime.fetch>) => {
    const body = request[1]?.body
    const form = body instanceof Uint8Array ? new TextDecoder().decode(body) : ''
    if (form.includes('grant_type=refresh_token')) {
      renewals += 1
      await held?.promise
    }
    return systemRuntime.fetch(...request)
  }
  await using oidc = await startOidc()
  await using mux = await oauthGateway({
    ...systemRuntime,
    now: () => systemRuntime.now() + ahead,
    fetch: Object.assign(fetch, { preconnect: systemRuntime.fetch.preconnect }),
  })
  const { id } = await mux.add(oidc.mcpUrl)
  await mux.signIn(id)
  const call = (text: string) => mux.caller.call('guarded_echo', { text })
  await eventually(
    () => call('up'),
    (answer) => textOf(answer) === 'up',
  )
  for (const key of ['limits.server_in_flight', 'limits.server_queue'])
    await mux.control.send('PUT', `/settings/${key}`, { value: 1 })
  held = Promise.withResolvers()
  ahead = 2 * 3_600_000
  const words = ['a', 'b', 'c', 'd', 'e']
  const answers = words.map(call)
  await eventually(
    () => renewals,
    (many) => many === 1,
  )
  // Time for one that would be refused to be so.
  await Bun.sleep(500)
  held.resolve()
  expect((await Promise.all(answers)).map(textOf)).toEqual(words)
  expect(renewals).toBe(1)
})
