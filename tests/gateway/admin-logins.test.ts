// Sign-ins at servers as the window and the command line reach them.
import { expect, test } from 'bun:test'
import { type Delta, changes } from '../../gateway/admin/events'
import { systemRuntime } from '../../gateway/runtime'
import { Secret } from '../../gateway/secrets/secret'
import { tempAdmin } from '../support/admin'
import { type EvilAs, startEvilAs } from '../support/evil-as'

async function ready(evil: EvilAs, ...given: Parameters<typeof tempAdmin>) {
  const admin = tempAdmin(...given)
  await admin.vault.unlock(null)
  const created = await admin.api.servers.post({
    spaceId: admin.stores.spaces.active().id,
    name: 'Guarded',
    definition: { type: 'http', url: evil.mcpUrl, headers: {} },
    source: 'cli',
    consent: { givenBy: 'cli' },
  })
  const id = created.data?.id ?? ''
  return { admin, id, route: admin.api.servers({ id }) }
}

const actions = (admin: ReturnType<typeof tempAdmin>) =>
  admin.stores.audit
    .list({}, { before: null, limit: 100 })
    .map(({ action, actor, detail }) => ({ action, via: actor.via, detail }))
    .filter(({ action }) => action.startsWith('log'))
    .reverse()

test('[oauth.flow] a sign-in is begun, answered by hand and ended through the admin API, and audited', async () => {
  await using evil = await startEvilAs()
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  expect((await route.get()).data).toMatchObject({ signIn: null, signInNeed: null })
  admin.states.set(id, { status: 'needs_authorization', need: 'first' })
  expect((await route.get()).data).toMatchObject({ signIn: null, signInNeed: 'first' })
  const { data: status } = await admin.api.status.get()
  expect(status?.servers[0]?.missing).toBe('sign-in needed: mcpmux login guarded (nobody is signed in)')

  const { data: begun } = await route.login.post({})
  expect(begun).toMatchObject({
    ...{
      serverId: id,
      issuer: evil.issuer,
      scope: 'tools:read offline_access',
      addedScope: null,
      phase: 'waiting',
    },
    ...{ error: null, browser: null },
  })
  expect(admin.opened).toEqual([])
  const flow = admin.api.flows({ id: begun?.id ?? '' })
  expect((await flow.get()).data).toMatchObject({ phase: 'waiting', url: begun?.url ?? '' })
  // Again is the same one, and begins nothing.
  expect((await route.login.post({})).data?.id).toBe(begun?.id)

  const address = await evil.browse(begun?.url ?? '')
  const { data: done } = await flow.callback.post({ url: ` ${address.href}\n` })
  expect(done).toMatchObject({ id: begun?.id, phase: 'done', url: null })
  // Good once.
  const again = await flow.callback.post({ url: address.href })
  expect(again.error?.value).toMatchObject({ code: 'oauth.flow_unknown' })
  admin.states.set(id, { status: 'idle' })
  const { data: view } = await route.get()
  expect(view?.signIn).toMatchObject({
    issuer: evil.issuer,
    scope: 'tools:read offline_access',
    needs: null,
    bound: true,
  })
  expect(view?.signInNeed).toBeNull()
  for (const secret of evil.secretsAt('issuer')) {
    expect(JSON.stringify(view)).not.toContain(secret)
    expect(JSON.stringify(done)).not.toContain(secret)
  }

  const { data: out } = await route.logout.post({})
  expect(out).toMatchObject({ issuer: evil.issuer, revoked: true, server: { signIn: null } })
  expect(evil.at('issuer', '/revoke').length).toBeGreaterThan(0)
  expect((await route.logout.post({})).data).toMatchObject({ issuer: null })
  expect(actions(admin)).toEqual([
    {
      action: 'login.begun',
      via: 'window',
      detail: { issuer: evil.issuer, scope: 'tools:read offline_access' },
    },
    {
      action: 'login.done',
      via: 'gateway',
      detail: { issuer: evil.issuer, scope: 'tools:read offline_access' },
    },
    { action: 'logout.done', via: 'window', detail: { issuer: evil.issuer, revoked: true } },
  ])
  expect(admin.internals).toEqual([])
})

test('[oauth.flow] what goes wrong is said with the sign-in, and a cancelled one is over', async () => {
  await using evil = await startEvilAs()
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  const { data: begun } = await route.login.post({ scope: 'tools:admin' })
  expect(begun?.scope?.split(' ')).toContain('tools:admin')
  const flow = admin.api.flows({ id: begun?.id ?? '' })
  const address = await evil.browse(begun?.url ?? '')
  address.searchParams.set('error', 'access_denied')
  address.searchParams.delete('code')
  const { data: failed } = await flow.callback.post({ url: address.href })
  expect(failed).toMatchObject({ phase: 'failed', error: 'oauth.denied' })
  const second = (await route.login.post({})).data?.id ?? ''
  expect((await admin.api.flows({ id: second }).delete({})).data).toMatchObject({ phase: 'cancelled' })
  expect((await admin.api.flows({ id: second }).delete({})).error?.value).toMatchObject({
    code: 'oauth.flow_unknown',
  })
  expect(
    (await admin.api.flows.get({ query: { server: id } })).data?.map(({ phase }) => phase).sort(),
  ).toEqual(['cancelled', 'failed'])
  expect(actions(admin).map(({ action, detail }) => [action, detail?.why])).toEqual([
    ['login.begun', undefined],
    ['login.failed', 'oauth.denied'],
    ['login.begun', undefined],
    ['login.failed', 'cancelled'],
  ])
  for (const body of [{ scope: 'a"b' }, { scope: 'a  b' }, { scope: '' }, { scope: 'a\nb' }, { more: 1 }])
    expect((await admin.raw('POST', `/servers/${id}/login`, body)).status).toBe(422)
})

test('[threat.33] the gateway opens a browser when asked to, once a minute for a server', async () => {
  await using evil = await startEvilAs()
  const { admin, route } = await ready(evil)
  using _admin = admin
  const { data: begun } = await route.login.post({ open: true })
  expect(begun?.browser).toBe('opened')
  expect(admin.opened).toEqual([begun?.url ?? ''])
  for (let i = 0; i < 5; i += 1)
    expect((await route.login.post({ open: true, scope: `more${i}` })).data?.browser).toBe('recently')
  expect(admin.opened.length).toBe(1)
})

test('[oauth.flow] the stream of changes has the sign-ins under way, and each step of one', async () => {
  await using evil = await startEvilAs()
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  const { data: begun } = await route.login.post({})
  const over = new AbortController()
  const seen: Delta[] = []
  const reading = (async () => {
    for await (const delta of changes(admin.deps, over.signal)) {
      seen.push(delta)
      if (delta.event === 'flow' && delta.data.flow?.phase === 'done') over.abort()
    }
  })()
  const address = await evil.browse(begun?.url ?? '')
  await admin.api.flows({ id: begun?.id ?? '' }).callback.post({ url: address.href })
  await reading
  expect(seen[0]?.event === 'snapshot' && seen[0].data.flows).toMatchObject([
    { id: begun?.id, serverId: id, phase: 'waiting' },
  ])
  expect(seen.at(-1)).toMatchObject({ event: 'flow', data: { id: begun?.id, flow: { phase: 'done' } } })

  const phases: string[] = []
  const next = (await route.login.post({})).data?.id ?? ''
  const stream = await admin.app.handle(new Request(`http://localhost/flows/${next}/stream`))
  const reader = stream.text()
  await admin.api.flows({ id: next }).delete({})
  for (const [, phase = ''] of (await reader).matchAll(/"phase":"(\w+)"/g)) phases.push(phase)
  expect(phases.at(-1)).toBe('cancelled')
})

test('[oauth.flow] a client id a person brings is used, its secret sealed and never shown', async () => {
  await using evil = await startEvilAs()
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  const { clientId, clientSecret } = evil.giveClient('client_secret_basic')
  const waiting = (await route.login.post({})).data?.id ?? ''
  const { data: view } = await route.registration.put({ clientId, clientSecret: clientSecret ?? '' })
  expect(JSON.stringify(view)).not.toContain(clientSecret)
  expect((await admin.api.flows({ id: waiting }).get()).data?.phase).toBe('cancelled')
  const { data: begun } = await route.login.post({})
  expect(new URL(begun?.url ?? '').searchParams.get('client_id')).toBe(clientId)
  const address = await evil.browse(begun?.url ?? '')
  const { data: done } = await admin.api.flows({ id: begun?.id ?? '' }).callback.post({ url: address.href })
  expect(done?.phase).toBe('done')
  expect(evil.at('issuer', '/token')[0]?.headers.get('authorization')).toStartWith('Basic ')
  expect(JSON.stringify(admin.stores.audit.list({}, { before: null, limit: 100 }))).not.toContain(
    clientSecret,
  )
  for (const body of [{}, { clientId: 'a\nb' }, { clientId: 'x', issuer: 'http://elsewhere.example' }])
    expect((await admin.raw('PUT', `/servers/${id}/registration`, body)).status).toBe(422)
})

test('[oauth.flow] [cred.inputs] a client id a person brought is listed without its secret, and forgotten when asked', async () => {
  await using evil = await startEvilAs()
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  const { clientId, clientSecret } = evil.giveClient('client_secret_basic')
  await route.registration.put({ clientId, clientSecret: clientSecret ?? '' })
  const credentials = async () => (await admin.api.credentials({ id }).get()).data
  expect(await credentials()).toMatchObject({
    signIn: null,
    clientIds: [{ issuer: null, clientId, kind: 'given', hasSecret: true }],
  })
  const { data: begun } = await route.login.post({})
  const address = await evil.browse(begun?.url ?? '')
  await admin.api.flows({ id: begun?.id ?? '' }).callback.post({ url: address.href })
  const held = await credentials()
  expect(held).toMatchObject({
    signIn: { issuer: evil.issuer, needs: null },
    clientIds: [{ issuer: evil.issuer, clientId, hasSecret: true }],
  })
  expect(JSON.stringify(held)).not.toContain(clientSecret)
  await route.registration.delete({})
  expect((await credentials())?.clientIds).toEqual([])
  const { data: next } = await route.login.post({})
  expect(new URL(next?.url ?? '').searchParams.get('client_id')).not.toBe(clientId)
})

test('[threat.57] [oauth.flow] a registration that does not open hinders neither a sign-out nor a new sign-in', async () => {
  await using evil = await startEvilAs({ authMethods: ['client_secret_basic'] })
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  const signIn = async () => {
    const { data: begun, error } = await route.login.post({})
    if (error) return error.value
    const { href: url } = await evil.browse(begun.url ?? '')
    return (await admin.api.flows({ id: begun.id }).callback.post({ url })).data
  }
  const damage = () =>
    admin.stores.db.statement('UPDATE oauth_registrations SET envelope = zeroblob(60)').run()
  expect(await signIn()).toMatchObject({ phase: 'done' })
  damage()
  expect(await signIn()).toMatchObject({ phase: 'done' })
  damage()
  // Who we are cannot be proved to the issuer any more, so it is not told.
  expect((await route.logout.post({})).data).toMatchObject({ revoked: false, server: { signIn: null } })
  expect(admin.stores.tokens.list(id)).toEqual([])
  expect(await signIn()).toMatchObject({ phase: 'done' })
  await route.registration.put({ clientId: 'of-a-person', clientSecret: 'secret', issuer: evil.issuer })
  damage()
  // What a person gave is not replaced by something else behind the person's back.
  expect(await signIn()).toMatchObject({ code: 'credential.unreadable' })
  expect(admin.internals).toEqual([])
})

for (const what of ['signs out', 'gives a client id', 'forgets the client ids'] as const)
  test(`[threat.38] [oauth.flow] who ${what} while tokens are on their way has none afterwards`, async () => {
    await using evil = await startEvilAs()
    const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const fetch = async (...request: Parameters<typeof systemRuntime.fetch>) => {
      const response = await systemRuntime.fetch(...request)
      if (!String(request[0]).endsWith('/token')) return response
      asked.resolve()
      await held.promise
      return response
    }
    const { admin, id, route } = await ready(evil, undefined, {
      fetch: Object.assign(fetch, { preconnect: systemRuntime.fetch.preconnect }),
    })
    using _admin = admin
    const { data: begun } = await route.login.post({})
    const { href: url } = await evil.browse(begun?.url ?? '')
    const finished = admin.api.flows({ id: begun?.id ?? '' }).callback.post({ url })
    await asked.promise
    if (what === 'signs out') await route.logout.post({})
    else if (what === 'gives a client id') await route.registration.put({ clientId: 'of-a-person' })
    else await route.registration.delete({})
    held.resolve()
    expect((await finished).data).toMatchObject({ phase: 'cancelled' })
    expect(admin.stores.tokens.list(id)).toEqual([])
    // What came all the same is ended where it came from.
    expect(evil.at('issuer', '/revoke')).toHaveLength(1)
  })

test('[threat.60] [oauth.refresh] tokens an import brought are used at once', async () => {
  await using evil = await startEvilAs()
  const { admin, id, route } = await ready(evil)
  using _admin = admin
  const server = admin.stores.servers.get(id)
  const signIn = async () => {
    const { data: begun } = await route.login.post({})
    const { href: url } = await evil.browse(begun?.url ?? '')
    await admin.api.flows({ id: begun?.id ?? '' }).callback.post({ url })
  }
  const sent = async () => {
    const pass = await admin.oauth.authorizations.of(server)?.tokenFor(new URL(evil.mcpUrl))
    return pass instanceof Secret ? pass.reveal() : pass
  }
  await signIn()
  const first = await sent()
  const passphrase = 'correct horse battery'
  const { data: made } = await admin.api.vault.export.post({ passphrase, confirm: true })
  await signIn()
  expect(await sent()).not.toBe(first)
  const before = admin.oauth.tokens.stamp(id)
  const { data: done } = await admin.api.vault.import.post({
    ...{ file: made?.file ?? '', passphrase, replace: true },
  })
  expect(done).toMatchObject({ set: 1 })
  expect(await sent()).toBe(first)
  // What is connected connects again with them.
  expect(admin.oauth.tokens.stamp(id)).not.toBe(before)
})
