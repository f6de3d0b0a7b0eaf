// Clients without a key against the compiled gateway: unmodified SDKs, a person at the command line, and no one else.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { runAuthorization } from '../conformance/authorization'
import { controlOf } from '../support/control'
import { type Daemon, eventually, startDaemon } from '../support/daemon'
import { everythingStdio } from '../support/reference-servers'
import { memoryProvider, sdkSignIns, Tab } from '../support/sign-in'
import { authorizeUrl } from '../support/signed-in'

let daemon: Daemon
let url: string

interface ClientRow {
  id: string
  name: string
  spaceId: string | null
  everywhere: boolean
  signIns: { id: string; revokedAt: number | null; lastUsedAt: number | null }[]
}
const clientsOf = () => controlOf(daemon).get<ClientRow[]>('/clients')
const named = async (name: string) => (await clientsOf()).find((client) => client.name === name)

const initialize = (headers: Record<string, string>, at = url) =>
  fetch(at, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}',
  })

beforeAll(async () => {
  daemon = await startDaemon()
  url = daemon.mcpUrl.replace('127.0.0.1', 'localhost')
  await daemon.ok('space', 'create', 'Work')
  await daemon.ok('add', 'every', '--space', 'Work', '--yes', '--', ...everythingStdio)
  const spaces = await controlOf(daemon).get<{ id: string; name: string }[]>('/spaces')
  const spaceId = spaces.find(({ name }) => name === 'Work')?.id
  const members = ['every/echo', 'every/get-sum'].map((pattern) => ({
    mode: 'include',
    target: { type: 'pattern', pattern },
  }))
  await controlOf(daemon).send('POST', '/sets', { spaceId, name: 'Two', members })
})
afterAll(() => daemon[Symbol.asyncDispose]())

for (const [name, sdk] of Object.entries(sdkSignIns))
  test(`[signin] ${name} signs in by itself once a person approved, and lists the approved set and no more`, async () => {
    const tab = new Tab()
    let opened: URL | null = null
    const provider = memoryProvider(name, (to) => (opened = to))
    expect(await sdk.connect(url, provider)).toBe('unauthorized')
    const address = String(opened)
    expect(address).toStartWith(`${new URL(url).origin}/oauth/authorize?`)

    // The page shows what the command line lists, and waits.
    expect((await tab.open(address)).status).toBe(200)
    expect(tab.code).toMatch(/^[2-9A-Z]{4}$/)
    expect(tab.page).not.toContain(name)
    const listed = await daemon.ok('approve', '--list')
    expect(listed).toContain(tab.code)
    expect(listed).toContain(name)
    expect(await daemon.ok('status')).toContain(`1 client for your approval: ${tab.code} "${name}"`)

    const approved = await daemon.cli('approve', tab.code.toLowerCase(), '--space', 'Work', '--set', 'Two')
    expect([approved.code, approved.stdout]).toEqual([
      0,
      `approved: "${name}" is client "${name}", in Space Work with Two\n`,
    ])
    expect(approved.stderr).toContain('127.0.0.1:4711')
    const callback = await tab.carriedOn()
    expect(callback.origin).toBe('http://127.0.0.1:4711')
    expect(callback.searchParams.get('state')).toBe('the state')
    expect(callback.searchParams.get('iss')).toBe(new URL(url).origin)
    await sdk.finish(url, provider, callback)

    const signedIn = await sdk.connect(url, provider)
    if (signedIn === 'unauthorized') throw new Error('it is signed in')
    await using client = signedIn
    expect((await client.tools()).toSorted()).toEqual(['every_echo', 'every_get-sum'])
    // The page is not led on twice.
    expect((await tab.open(tab.address)).headers.get('location')).toBeNull()
    expect(tab.page).toContain('Done')
    expect(await daemon.ok('status')).not.toContain('for your approval')
    expect(await daemon.ok('audit', '--action', 'signin.*')).toContain('signin.approved')
  })

test('[signin] a client that was denied is told so, and one that was approved before keeps its rights', async () => {
  const sdk = sdkSignIns['SDK v2']
  if (!sdk) throw new Error('no SDK')
  const tab = new Tab()
  const provider = memoryProvider('Again', (to) => void (tab.address = to.href))
  await sdk.connect(url, provider)
  await tab.open(tab.address)
  await daemon.ok('deny', tab.code)
  const denied = await tab.carriedOn()
  expect(denied.searchParams.get('error')).toBe('access_denied')
  expect(denied.searchParams.get('code')).toBeNull()
  expect(denied.searchParams.get('iss')).toBe(new URL(url).origin)

  // Once everywhere, and then, asking again, with what it had.
  for (const rights of [['--everywhere'], []]) {
    provider.kept.tokens = undefined
    await sdk.connect(url, provider)
    await tab.open(tab.address)
    const said = await daemon.ok('approve', tab.code, ...rights)
    expect(said).toContain('client "Again", which follows the active Space with its default set')
    await sdk.finish(url, provider, await tab.carriedOn())
  }
  const client = await named('Again')
  expect(client).toMatchObject({ spaceId: null, everywhere: true })
  expect(client?.signIns.length).toBe(2)
  expect((await clientsOf()).filter(({ name }) => name.startsWith('Again')).length).toBe(1)
  await using signedIn = (await sdk.connect(url, provider)) as Exclude<
    Awaited<ReturnType<typeof sdk.connect>>,
    string
  >
  expect(await signedIn.tools()).toEqual([])
  await daemon.ok('space', 'use', 'Work')
  await eventually(
    () => signedIn.tools(),
    (tools) => tools.length > 2,
  )
  await daemon.ok('space', 'use', 'Default')
})

test('[signin] [threat.20] who takes the name of another client becomes one of its own', async () => {
  const sdk = sdkSignIns['SDK v1']
  if (!sdk) throw new Error('no SDK')
  await daemon.ok('key', 'create', 'Editor', '--space', 'Work', '--set', 'All')
  const tab = new Tab()
  const provider = memoryProvider('editor', (to) => void (tab.address = to.href))
  await sdk.connect(url, provider)
  await tab.open(tab.address)
  const { stdout, stderr } = await daemon.cli('approve', tab.code)
  expect(stderr).toContain('there is a client "Editor" already')
  expect(stdout).toContain('client "editor 2"')
  // Unless a person says it is the same.
  await sdk.connect(url, provider)
  await tab.open(tab.address)
  expect(await daemon.ok('approve', tab.code, '--client', 'Editor')).toContain(
    'client "Editor", in Space Work',
  )
})

test('[signin] a sign-in ends at once: by its person, with its client, by itself', async () => {
  const sdk = sdkSignIns['SDK v1']
  if (!sdk) throw new Error('no SDK')
  const signIn = async () => {
    const tab = new Tab()
    const provider = memoryProvider('Ending', (to) => void (tab.address = to.href))
    await sdk.connect(url, provider)
    await tab.open(tab.address)
    await daemon.ok('approve', tab.code, '--space', 'Work', '--set', 'Two')
    await sdk.finish(url, provider, await tab.carriedOn())
    const tokens = provider.tokens()
    if (!tokens) throw new Error('no tokens')
    return {
      bearer: { authorization: `Bearer ${tokens.access_token}` },
      client_id: String(provider.clientInformation()?.client_id),
      refresh_token: tokens.refresh_token,
    }
  }
  const form = (path: string, fields: Record<string, string>) =>
    fetch(new URL(path, url), { method: 'POST', body: new URLSearchParams(fields) })

  const first = await signIn()
  const answer = await initialize(first.bearer)
  expect(answer.status).toBe(200)
  const session = answer.headers.get('mcp-session-id') ?? ''
  const stream = await fetch(url, {
    headers: { ...first.bearer, 'mcp-session-id': session, accept: 'text/event-stream' },
  })
  expect(stream.status).toBe(200)
  await daemon.ok('signin', 'revoke', 'Ending')
  // An open stream ends, and nothing it held opens anything again.
  await stream.text()
  const refused = await initialize(first.bearer)
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    401,
    `Bearer realm="mcpmux", error="invalid_token", resource_metadata="${new URL(url).origin}/.well-known/oauth-protected-resource/mcp"`,
  ])
  const { client_id, refresh_token } = first
  const renewed = await form('/oauth/token', { grant_type: 'refresh_token', refresh_token, client_id })
  expect([renewed.status, await renewed.json()]).toEqual([
    400,
    { error: 'invalid_grant', error_description: 'the refresh token is not known' },
  ])
  expect(await daemon.ok('signin', 'list')).toContain('revoked')

  const second = await signIn()
  expect((await initialize(second.bearer)).status).toBe(200)
  const own = { client_id: second.client_id, token: second.refresh_token }
  // Of another client it is nothing.
  expect((await form('/oauth/revoke', { ...own, client_id })).status).toBe(200)
  expect((await initialize(second.bearer)).status).toBe(200)
  expect((await form('/oauth/revoke', own)).status).toBe(200)
  expect((await initialize(second.bearer)).status).toBe(401)

  const third = await signIn()
  expect((await initialize(third.bearer)).status).toBe(200)
  const client = (await clientsOf()).findLast(({ name }) => name.startsWith('Ending'))
  await controlOf(daemon).send('DELETE', `/clients/${client?.id}`)
  expect((await initialize(third.bearer)).status).toBe(401)
})

test('[signin] [mcp.conformance] the official suite finds nothing wrong with the authorization server', async () => {
  const { code, output } = await runAuthorization(daemon)
  expect([code, /^Total: .*$/m.exec(output)?.[0] ?? output]).toEqual([0, 'Total: 2 passed, 0 failed'])
}, 90_000)

test('[signin] [threat.10] the sign-in is on localhost alone, and can be switched off', async () => {
  const key = (await daemon.ok('key', 'create', 'both', '--space', 'Work')).trim()
  const port = new URL(url).port
  const known = ['oauth-protected-resource', 'oauth-protected-resource/mcp', 'oauth-authorization-server']
  const all = [...known, 'openid-configuration', 'oauth-authorization-server/mcp', 'anything', 'jwks.json']
  const look = async (host: string) => {
    const found: string[] = []
    for (const name of all) {
      const response = await fetch(`http://${host}:${port}/.well-known/${name}`)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect([...response.headers.keys()].filter((header) => header.startsWith('access-control'))).toEqual([])
      if (response.status === 200) found.push(name)
      else expect([response.status, await response.json()]).toMatchObject([404, { code: 'http.not_found' }])
    }
    for (const path of ['register', 'authorize', 'wait', 'token', 'revoke'])
      if ((await fetch(`http://${host}:${port}/oauth/${path}`, { method: 'POST' })).status !== 404)
        found.push(path)
    const challenge = (await initialize({}, `http://${host}:${port}/mcp`)).headers.get('www-authenticate')
    return { found, metadata: /resource_metadata="([^"]*)"/.exec(challenge ?? '')?.[1] ?? null }
  }
  for (const host of ['127.0.0.1', '[::1]']) {
    expect([host, await look(host)]).toEqual([host, { found: [], metadata: null }])
    expect((await initialize({ 'mcp-key': key }, `http://${host}:${port}/mcp`)).status).toBe(200)
  }
  const places = ['register', 'authorize', 'wait', 'token', 'revoke']
  const metadata = `http://localhost:${port}/.well-known/oauth-protected-resource/mcp`
  expect(await look('localhost')).toEqual({ found: [...known, ...places], metadata })
  expect((await initialize({ 'mcp-key': key })).status).toBe(200)

  await daemon.ok('config', 'set', 'auth.discovery', 'off')
  expect(await look('localhost')).toEqual({ found: ['token', 'revoke'], metadata: null })
  expect((await initialize({ 'mcp-key': key })).status).toBe(200)
  await daemon.ok('config', 'reset', 'auth.discovery')
})

test('[signin] [cli] the commands of an approval say what is wrong, and do nothing then', async () => {
  const ask = async (name: string) => {
    const { client_id } = (await (
      await fetch(new URL('/oauth/register', url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ client_name: name, redirect_uris: ['http://127.0.0.1:4711/callback'] }),
      })
    ).json()) as { client_id: string }
    const tab = new Tab()
    await tab.open(authorizeUrl({ port: Number(new URL(url).port) }, { client_id }).url)
    return tab.code
  }
  const nobody = await daemon.cli('approve', '--list')
  expect([nobody.code, nobody.stdout, nobody.stderr]).toEqual([0, '', 'nobody waits for an approval\n'])
  const code = await ask('Evil\u202e\u001b[31m')
  // Nobody is there to be asked.
  const unasked = await daemon.cli('approve')
  expect([unasked.code, unasked.stdout]).toEqual([4, ''])
  expect(unasked.stderr).toContain('"Evil\\u{202e}\\u{1b}[31m"')
  expect(unasked.stderr).toContain(`mcpmux approve ${code}`)
  for (const [args, exitCode, says] of [
    [['approve', 'ZZZZ'], 1, 'mcpmux approve --list'],
    [['approve', code, '--space', 'Nowhere'], 1, 'space.unknown'],
    [['approve', code, '--set', 'Nothing'], 1, 'set.unknown'],
    [['approve', code, '--everywhere', '--set', 'All'], 2, '--everywhere stands alone'],
    [['approve', '--list', '--yes'], 2, 'only shows'],
    [['approve', code, 'more'], 2, 'one word too many'],
    [['deny'], 2, 'ID is missing'],
    [['deny', 'ZZZZ'], 1, 'approval.unknown'],
    [['signin'], 2, 'say list or revoke'],
    [['signin', 'revoke', 'Nobody'], 1, 'signin.unknown'],
  ] as const) {
    const said = await daemon.cli(...args)
    expect([args, said.code, said.stdout]).toEqual([args, exitCode, ''])
    expect(said.stderr).toContain(says)
  }
  const listed = JSON.parse(await daemon.ok('approve', '--list', '--json')) as { code: string }[]
  expect(listed.map((one) => one.code)).toEqual([code])
  await ask('Another')
  expect((await daemon.cli('approve', '--yes')).code).toBe(2)
  expect((await daemon.ok('deny', '--all')).split('\n').length).toBe(3)
  expect((await clientsOf()).some(({ name }) => name.startsWith('Evil'))).toBe(false)
})
