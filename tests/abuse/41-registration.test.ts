// Threat 41: how McpMux is known to an authorization server: as it asked to be, kept sealed, and at that server alone.
import { readFileSync } from 'node:fs'
import { expect, test } from 'bun:test'
import type { Server } from '../../gateway/domain/server'
import { toGatewayError } from '../../gateway/errors'
import type { HeldRegistration } from '../../gateway/oauth/registrations'
import { Secret } from '../../gateway/secrets/secret'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { systemRuntime } from '../../gateway/runtime'
import { tempAdmin } from '../support/admin'
import { type EvilAs, startEvilAs } from '../support/evil-as'
import { signInUnder } from '../support/flow-outcome'
import { movedClock, openFlowParts } from '../support/flow-parts'

for (const name of modesOf(41))
  test(`[threat.41] [oauth.flow] registering at an authorization server: ${name}`, () =>
    signInUnder(name, ({ outcome, error, detail, parts }) => {
      const expected = modeNamed(name).outcome
      expect([outcome, parts.accepted.length]).toEqual([expected, expected === 'works' ? 1 : 0])
      if (expected === 'works') return
      expect(error).toMatch(/^oauth\.(?:registration_refused|registration_needed|unreachable)$/)
      expect(detail).toMatch(/^[^\p{C}]{0,300}$/u)
      expect(parts.stores.registrations.list(parts.stores.servers.list()[0]?.id ?? '')).toEqual([])
    }))

type Parts = Awaited<ReturnType<typeof openFlowParts>>

const signIn = async (parts: Parts, evil: EvilAs, serverId: string) => {
  const flow = await parts.flows.begin(serverId)
  const url = new URL(flow.url ?? '')
  const response = await fetch(url, { redirect: 'manual' })
  return {
    clientId: url.searchParams.get('client_id') ?? '',
    flow: await parts.flows.finish(response.headers.get('location') ?? ''),
  }
}
const registered = (evil: EvilAs) =>
  evil.at('issuer', '/register').map(({ body }) => JSON.parse(body) as object)

test('[threat.41] it registers as a native application without a secret, for one redirect address', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  await signIn(parts, evil, parts.addServer(evil.mcpUrl).id)
  expect(registered(evil)).toEqual([
    {
      client_name: 'McpMux',
      application_type: 'native',
      redirect_uris: [`${parts.origin}/oauth/callback`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
  ])
})

test('[threat.41] [cred.encrypted] a client secret is sealed for its server and issuer, and opens nowhere else', async () => {
  await using evil = await startEvilAs({ authMethods: ['client_secret_post'] })
  await using parts = await openFlowParts()
  const [server, other] = [parts.addServer(evil.mcpUrl), parts.addServer(evil.mcpUrl)]
  await signIn(parts, evil, server.id)
  const [client] = evil.grants.clients.values()
  const secret = client?.secret ?? '?'
  expect(secret).toStartWith('secret-')
  const stored = ['', '-wal'].map((end) => readFileSync(`${parts.stores.file}${end}`).toString('latin1'))
  expect(stored.join('')).not.toContain(secret)
  const held = parts.registrations.find(server, evil.issuer)
  expect([held?.clientSecret?.reveal(), held?.authMethod]).toEqual([secret, 'client_secret_post'])
  expect(parts.registrations.find(server, evil.other)).toBeNull()
  const row = parts.stores.registrations.get(server.id, evil.issuer)
  if (!row) throw new Error('it is stored')
  // Whoever moves the row, in the file, to another server or issuer has nothing of it.
  parts.stores.registrations.put({ ...row, serverId: other.id })
  parts.stores.registrations.put({ ...row, issuer: evil.other })
  expect(() => parts.registrations.find(other, evil.issuer)).toThrow('cannot be read')
  expect(() => parts.registrations.find(server, evil.other)).toThrow('cannot be read')
})

test('[threat.41] a registration serves again, until its secret runs out', async () => {
  await using evil = await startEvilAs({
    mode: 'secret-ends-in-an-hour',
    authMethods: ['client_secret_basic'],
  })
  const runtime = movedClock()
  await using parts = await openFlowParts({ runtime })
  const server = parts.addServer(evil.mcpUrl)
  const first = await signIn(parts, evil, server.id)
  expect((await signIn(parts, evil, server.id)).clientId).toBe(first.clientId)
  runtime.move(50 * 60_000)
  const second = await signIn(parts, evil, server.id)
  expect(second).toMatchObject({ flow: { phase: 'done' } })
  expect(second.clientId).not.toBe(first.clientId)
  expect(registered(evil)).toHaveLength(2)
})

test('[threat.41] a registration serves at the redirect address it was made for, and at no other', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const first = await signIn(parts, evil, server.id)
  // Another gateway on the same data listens on another port.
  await using moved = await openFlowParts({ stores: parts.stores, vault: parts })
  const waiting = await moved.flows.begin(server.id)
  expect(waiting.url).not.toContain(first.clientId)
  expect(registered(evil)[1]).toMatchObject({ redirect_uris: [`${moved.origin}/oauth/callback`] })
  // Tokens that are good need the older one, so it stays until a sign-in with the newer one is done.
  const held = () => moved.registrations.find(server, evil.issuer)?.clientId
  expect(held()).toBe(first.clientId)
  const done = await moved.flows.finish(String(await evil.browse(waiting.url ?? '')))
  expect([done.phase, held()]).toEqual([
    'done',
    new URL(waiting.url ?? '').searchParams.get('client_id') ?? '',
  ])
})

test('[threat.41] a server that moves to another authorization server finds nothing of the first one there', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const before = await signIn(parts, evil, server.id)
  const kept = parts.stores.registrations.get(server.id, evil.issuer)
  evil.mode = 'moved-to-another'
  const after = await signIn(parts, evil, server.id)
  expect(after.flow).toMatchObject({ phase: 'done', issuer: evil.other })
  expect(JSON.stringify(evil.at('other').map(({ query, body }) => `${query} ${body}`))).not.toContain(
    before.clientId,
  )
  // What was there is as it was, and serves when the server comes back to it.
  expect(parts.stores.registrations.get(server.id, evil.issuer)).toEqual(kept)
  evil.mode = 'honest'
  expect((await signIn(parts, evil, server.id)).clientId).toBe(before.clientId)
  expect(registered(evil)).toHaveLength(1)
})

test('[threat.41] [oauth.flow] a given client id comes first, then the document, then registering', async () => {
  await using evil = await startEvilAs({ mode: 'takes-documents' })
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  expect((await signIn(parts, evil, server.id)).clientId).toStartWith('client-')
  parts.stores.settings.set('oauth.client_document', 'https://mux.example/client.json')
  expect((await signIn(parts, evil, server.id)).clientId).toBe('https://mux.example/client.json')
  const { clientId, clientSecret } = evil.giveClient('client_secret_basic')
  parts.registrations.give(server, { clientId, clientSecret: new Secret(clientSecret ?? '') })
  const given = await signIn(parts, evil, server.id)
  expect(given).toMatchObject({ clientId, flow: { phase: 'done' } })
  const last = evil.at('issuer', '/token').at(-1)
  expect(last?.headers.get('authorization')).toStartWith('Basic ')
  expect(last?.form.has('client_secret')).toBe(false)
  expect(registered(evil)).toHaveLength(1)
  // It is tied to the issuer it was used at, and to no other from then on.
  evil.mode = 'moved-to-another'
  const moved = await parts.flows.begin(server.id)
  expect(moved.url).not.toContain(clientId)
})

test('[threat.41] [oauth.flow] a client id a person gives while McpMux registers is kept, and serves next', async () => {
  await using evil = await startEvilAs()
  const { clientId, clientSecret } = evil.giveClient('client_secret_basic')
  let given = (): void => undefined
  const fetch = async (...request: Parameters<typeof systemRuntime.fetch>) => {
    const response = await systemRuntime.fetch(...request)
    if (String(request[0]).endsWith('/register')) given()
    return response
  }
  const { preconnect } = systemRuntime.fetch
  await using parts = await openFlowParts({
    runtime: { ...systemRuntime, fetch: Object.assign(fetch, { preconnect }) },
  })
  for (const issuer of [evil.issuer, undefined]) {
    const server = parts.addServer(evil.mcpUrl)
    given = () =>
      parts.registrations.give(server, {
        ...(issuer === undefined ? {} : { issuer }),
        ...{ clientId, clientSecret: new Secret(clientSecret ?? '') },
      })
    const begun = await parts.flows.begin(server.id).catch(toGatewayError)
    expect(begun).toMatchObject({ code: 'oauth.interrupted' })
    const held = parts.registrations.find(server, evil.issuer)
    expect([held?.clientId, held?.clientSecret?.reveal()]).toEqual([clientId, clientSecret ?? ''])
    expect(await signIn(parts, evil, server.id)).toMatchObject({ clientId, flow: { phase: 'done' } })
  }
})

test('[threat.41] where nobody may register, a person is told what to do, and what is given serves', async () => {
  await using evil = await startEvilAs({ mode: 'register-endpoint-missing' })
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const refused = await parts.flows.begin(server.id).catch((error: unknown) => String(error))
  expect(refused).toContain(evil.issuer)
  expect(refused).toContain(`${parts.origin}/oauth/callback`)
  const { clientId } = evil.giveClient('none')
  parts.registrations.give(server, { issuer: evil.issuer, clientId, clientSecret: null })
  expect(await signIn(parts, evil, server.id)).toMatchObject({ clientId, flow: { phase: 'done' } })
  for (const bad of ['', 'a\nb', 'ä', 'a'.repeat(5000)])
    expect(() => parts.registrations.give(server, { clientId: bad, clientSecret: null })).toThrow('client id')
})

test('[threat.41] a registration that is replaced, or whose server is removed, is ended where it was made', async () => {
  await using evil = await startEvilAs({ mode: 'managed-registration' })
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const ended = () =>
    evil
      .at('issuer')
      .filter(({ method }) => method === 'DELETE')
      .map(({ path, headers }) => [path, headers.get('authorization')])
  const first = await parts.flows.begin(server.id)
  const held = parts.registrations.find(server, evil.issuer)
  // Nothing came back, as when the authorization server forgot the client: so it is registered anew.
  parts.flows.cancel(first.id)
  const second = await signIn(parts, evil, server.id)
  expect(second.clientId).not.toBe(held?.clientId ?? '')
  while (ended().length < 1) await Bun.sleep(5)
  expect(ended()).toEqual([[`/register/${held?.clientId}`, `Bearer ${held?.management?.token.reveal()}`]])
  await parts.withdraw(server)
  expect(ended()[1]?.[0]).toBe(`/register/${second.clientId}`)
  // A token for it goes to no other origin than the one that registered.
  evil.mode = 'managed-elsewhere'
  const another = parts.addServer(evil.mcpUrl)
  await signIn(parts, evil, another.id)
  await parts.withdraw(another)
  expect(evil.at('other')).toEqual([])
})

test('[threat.41] [threat.57] the token that manages a registration goes nowhere that is written into the file', async () => {
  await using evil = await startEvilAs({ mode: 'managed-registration' })
  await using parts = await openFlowParts()
  const write = parts.stores.db.statement('UPDATE oauth_registrations SET configuration_uri = $uri')
  const ended = () => evil.at('issuer').filter(({ method }) => method === 'DELETE')
  /** Ends the registration of a new server, the file changed before; gives its client id. */
  const after = async (change: (server: Server, held: HeldRegistration) => void) => {
    const server = parts.addServer(evil.mcpUrl)
    const { clientId } = await signIn(parts, evil, server.id)
    const held = parts.registrations.find(server, evil.issuer)
    if (!held) throw new Error('it is stored')
    change(server, held)
    await parts.withdraw(server)
    parts.stores.registrations.remove(server.id, evil.issuer)
    return clientId
  }
  const clientId = await after(() => write.run({ uri: `${evil.other}/register/moved` }))
  expect(ended().map(({ path }) => path)).toEqual([`/register/${clientId}`])

  // As rows were before the address was sealed: the issuer is bound, so its own origin can be believed.
  const before = (uri: (clientId: string) => string) =>
    after(({ id, spaceId }, { clientId: of, management }) => {
      const secret = new Secret(JSON.stringify({ management: management?.token.reveal() }))
      const place = { table: 'oauth_registrations', column: 'envelope', space: spaceId }
      const sealed = parts.vault.seal({ ...place, row: `${id}/${evil.issuer}` }, secret)
      const row = parts.stores.registrations.get(id, evil.issuer)
      if (!row) throw new Error('it is stored')
      parts.stores.registrations.put({ ...row, sealed })
      write.run({ uri: uri(of) })
    })
  const old = await before((of) => `${evil.issuer}/register/${of}`)
  expect(ended().map(({ path }) => path)).toEqual([`/register/${clientId}`, `/register/${old}`])
  for (const uri of [`${evil.other}/register/moved`, 'file:///etc/passwd', '', '%']) await before(() => uri)
  expect(ended()).toHaveLength(2)
  expect(evil.at('other')).toEqual([])
})

test('[threat.41] a client id the authorization server does not know any more is not used again', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const flow = await parts.flows.begin(server.id)
  const answer = await evil.browse(flow.url ?? '')
  evil.grants.clients.clear()
  expect(await parts.flows.finish(String(answer))).toMatchObject({ phase: 'failed', error: 'oauth.refused' })
  expect(parts.stores.registrations.list(server.id)).toEqual([])
  expect(await signIn(parts, evil, server.id)).toMatchObject({ flow: { phase: 'done' } })
})

test('[threat.41] removing a server revokes its tokens and ends its registration where they were given', async () => {
  await using evil = await startEvilAs({ mode: 'managed-registration' })
  using admin = tempAdmin()
  await admin.vault.unlock(null)
  const { data: server } = await admin.api.servers.post({
    spaceId: admin.stores.spaces.active().id,
    name: 'Guarded',
    definition: { type: 'http', url: evil.mcpUrl, headers: {} },
    source: 'cli',
    consent: { givenBy: 'cli' },
  })
  const route = admin.api.servers({ id: server?.id ?? '' })
  const { data: flow } = await route.login.post({})
  const url = String(await evil.browse(flow?.url ?? ''))
  await admin.api.flows({ id: flow?.id ?? '' }).callback.post({ url })
  const issued = [...evil.grants.families.values()].flatMap(({ access, refresh }) => [...access, ...refresh])
  expect(issued).toHaveLength(2)
  await route.delete({})
  expect(admin.stores.registrations.list(server?.id ?? '')).toEqual([])
  const ended = () => evil.at('issuer').find(({ method }) => method === 'DELETE')
  while (!ended()) await Bun.sleep(5)
  const revoked = evil.at('issuer', '/revoke').map(({ form }) => form.get('token') ?? '')
  expect(revoked.toSorted()).toEqual(issued.toSorted())
  // The registration ends last: with it McpMux proves that the tokens are its own.
  expect(evil.log.at(-1)).toBe(ended())
})

test('[threat.41] [threat.38] tokens that cannot be stored are ended, and the client id before them stays', async () => {
  await using evil = await startEvilAs({ authMethods: ['client_secret_post'] })
  const clock = movedClock()
  await using parts = await openFlowParts({ runtime: clock })
  const { id, spaceId } = parts.addServer(evil.mcpUrl)
  const { clientId } = await signIn(parts, evil, id)
  // Another redirect address takes another registration, and the tokens of the first are still good.
  const held = parts.registrations.find({ id, spaceId }, evil.issuer)
  if (!held) throw new Error('it is registered')
  parts.registrations.put({ id, spaceId }, { ...held, redirectUri: 'http://127.0.0.1:1/oauth/callback' })
  parts.stores.db
    .statement(
      "CREATE TEMP TRIGGER full BEFORE INSERT ON oauth_tokens BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .run()
  const second = await signIn(parts, evil, id)
  expect([second.flow.phase, second.clientId === clientId]).toEqual(['failed', false])
  expect(parts.registrations.find({ id, spaceId }, evil.issuer)?.clientId).toBe(clientId)
  expect(parts.stores.tokens.list(id).map((row) => row.clientId)).toEqual([clientId])
  while (evil.at('issuer', '/revoke').length === 0) await Bun.sleep(5)
})
