import { expect, test } from 'bun:test'
import { controlOf } from '../support/control'
import { eventually } from '../support/daemon'
import { signInAt } from '../support/oauth-gateway'
import { startOidc } from '../support/oidc'
import { openCaller, textOf } from '../support/scripted'
import { startSourceDaemon, tempHome } from '../support/source-daemon'

interface View {
  id: string
  signIn: { needs: string | null } | null
}

test('[threat.38] a gateway killed between the answer of the issuer and its storing asks for a sign-in, and nothing is lost', async () => {
  await using oidc = await startOidc({ life: 6 })
  using place = tempHome()
  const start = (main?: string) =>
    startSourceDaemon({}, { ...place, [Symbol.dispose]: () => undefined }, [], main)
  let id = ''
  let key = ''
  {
    await using daemon = await start('tests/servers/killed-refresh-daemon.ts')
    const control = controlOf(daemon)
    await control.send('POST', '/vault/move', { place: 'file' })
    const [space] = await control.get<{ id: string }[]>('/spaces')
    ;({ key } = await control.send<{ key: string }>('POST', '/keys', { client: 'one' }))
    ;({ id } = await control.send<View>('POST', '/servers', {
      ...{ spaceId: space?.id, name: 'guarded', inputs: [], source: 'cli', consent: { givenBy: 'cli' } },
      definition: { type: 'http', url: oidc.mcpUrl, headers: {} },
    }))
    const caller = await openCaller(daemon, key)
    await signInAt(control, daemon.mcpUrl, id)
    // A call after four fifths of its life has it renewed, and that is the end.
    let over = false
    void daemon.exited.then(() => void (over = true))
    while (!over) {
      await caller.call('guarded_echo', { text: 'more' }).catch(() => undefined)
      await Bun.sleep(100)
    }
  }
  expect((await oidc.log()).tokens.map(({ grant, status }) => `${grant} ${status}`)).toEqual([
    'authorization_code 200',
    'refresh_token 200',
  ])
  await using daemon = await start()
  const control = controlOf(daemon)
  const caller = await openCaller(daemon, key)
  const view = () => control.get<View>(`/servers/${id}`)
  const called = async () => {
    await caller.call('guarded_echo', { text: 'no' })
    return view()
  }
  await eventually(called, ({ signIn }) => signIn?.needs === 'refused')
  expect((await caller.call('guarded_echo', { text: 'no' })).error?.message).toContain('mcpmux login guarded')
  await signInAt(control, daemon.mcpUrl, id)
  await eventually(
    () => caller.call('guarded_echo', { text: 'again' }),
    (answer) => textOf(answer) === 'again',
  )
  expect((await view()).signIn?.needs).toBeNull()
}, 120_000)
