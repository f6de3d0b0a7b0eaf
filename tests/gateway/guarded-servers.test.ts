import { expect, test } from 'bun:test'
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
    await eventually(
      () => mux.view(id),
      (view) => view.state.status === 'ready',
    )
    expect(textOf(await mux.caller.call('guarded_echo', { text: 'hello' }))).toBe('hello')
  }, 60_000)

test('[threat.38] two hundred calls when the tokens run out make one request for tokens, and none fails', async () => {
  await using oidc = await startOidc({ life: 4 })
  await using mux = await oauthGateway()
  const { id } = await mux.add(oidc.mcpUrl)
  await mux.signIn(id)
  await eventually(
    () => mux.caller.call('guarded_echo', { text: 'up' }),
    (answer) => textOf(answer) === 'up',
  )
  const refreshes = async () => (await oidc.log()).tokens.filter(({ grant }) => grant === 'refresh_token')
  for (let round = 1; round <= 2; round++) {
    // No call and no timer renews meanwhile: the moment they end is what is looked for.
    const before = (await refreshes()).length
    await Bun.sleep(3700)
    const words = Array.from({ length: 200 }, (_, n) => `call ${n}`)
    const answers = await Promise.all(words.map((text) => mux.caller.call('guarded_echo', { text })))
    expect(answers.map(textOf)).toEqual(words)
    expect((await refreshes()).length - before).toBe(1)
  }
  expect((await refreshes()).every(({ status }) => status === 200)).toBe(true)
  expect((await refreshes())[0]).toMatchObject({ resource: oidc.mcpUrl })
  expect((await mux.view(id)).signIn?.needs).toBeNull()
}, 90_000)
