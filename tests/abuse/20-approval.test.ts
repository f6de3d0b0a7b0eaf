// What could be done to get in without the person, or with the person's word for something else.
import { expect, test } from 'bun:test'
import { startDoor } from '../support/door'
import { Tab } from '../support/sign-in'
import {
  authorizeUrl,
  callback,
  errorOf,
  ledTo,
  originOf,
  postForm,
  postJson,
  register,
} from '../support/signed-in'

test('[threat.20] [signin] who makes a person approve another’s request is not led on by it, and gets no code', async () => {
  await using door = await startDoor()
  const id = await register(door)
  // The attacker begins, and keeps the cookie; the victim’s browser gets the address, as a link to the page that waits.
  const attacker = new Tab()
  await attacker.open(authorizeUrl(door, { client_id: id }).url)
  const victim = new Tab()
  expect((await victim.open(attacker.address)).status).toBe(404)
  expect(victim.page).toContain('Nothing waits here')
  expect(victim.code).toBe('')
  // A link to the first step gives the victim a request and characters of its own.
  const own = new Tab()
  await own.open(authorizeUrl(door, { client_id: id }).url)
  expect(own.code).not.toBe(attacker.code)
  expect(own.cookies.size).toBe(1)
  expect([...own.cookies.values()]).not.toEqual([...attacker.cookies.values()])
  door.signIn.decisions.approve(own.code, {})
  // The approved one leads its own browser on, and no other: not with the attacker’s cookie, nor none, nor both.
  const name = [...own.cookies.keys()][0] ?? ''
  const [stolen = ''] = attacker.cookies.values()
  for (const cookie of [
    '',
    `${name}=${stolen}`,
    `${name}=`,
    `${name}=x; ${[...attacker.cookies.keys()][0]}=${stolen}`,
  ])
    expect([cookie, await ledTo(own.address, { cookie })]).toEqual([cookie, null])
  expect((await attacker.open(attacker.address)).headers.get('location')).toBeNull()
  const led = await own.carriedOn()
  expect(led.searchParams.get('code')).toBeTruthy()
  // Once.
  expect((await own.open(own.address)).headers.get('location')).toBeNull()
})

test('[threat.20] [signin] a cookie that the browser brought along is never taken over', async () => {
  await using door = await startDoor()
  const id = await register(door)
  const first = new Tab()
  await first.open(authorizeUrl(door, { client_id: id }).url)
  const second = new Tab()
  for (const [name, value] of first.cookies) second.cookies.set(name, value)
  second.cookies.set('mcpmux-signin-', 'fixed')
  await second.open(authorizeUrl(door, { client_id: id }).url)
  expect(second.cookies.size).toBe(3)
  const answer = await fetch(authorizeUrl(door, { client_id: id }).url, { redirect: 'manual' })
  const [line = ''] = answer.headers.getSetCookie()
  expect(line).toMatch(
    /^mcpmux-signin-[0-9a-f]{32}=[\w-]{43}; Path=\/oauth\/wait; Max-Age=900; HttpOnly; SameSite=Lax$/,
  )
})

test('[threat.20] [threat.04] [signin] nothing on the open port approves, and no page begins a sign-in behind a person’s back', async () => {
  await using door = await startDoor()
  const id = await register(door)
  const tab = new Tab()
  await tab.open(authorizeUrl(door, { client_id: id }).url)
  const [waiting] = door.signIn.decisions.list()
  const places = [
    '',
    '/oauth',
    '/oauth/authorize',
    '/oauth/wait',
    '/oauth/approve',
    '/oauth/consent',
    '/approvals',
  ]
  const ids = [waiting?.id ?? '', tab.code]
  for (const place of places)
    for (const one of ids)
      for (const address of [
        `${place}?id=${one}&approve=true`,
        `${place}/${one}/approve`,
        `${place}/${one}`,
      ]) {
        const url = `${originOf(door)}${address}`
        await postForm(url, { approve: 'yes', id: one })
        await postJson(url, { approve: true, space: 'Default' })
        for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
          await (await fetch(url, { method, redirect: 'manual' })).text()
      }
  expect(door.signIn.decisions.list().map(({ code }) => code)).toEqual([tab.code])
  expect((await tab.open(tab.address)).status).toBe(200)
  expect(tab.code).toBe(waiting?.code ?? '')

  // Pictures, frames, scripts and fetches of a page; a form of another origin; HEAD and OPTIONS.
  const before = door.signIn.decisions.list().length
  const { url } = authorizeUrl(door, { client_id: id })
  for (const [mode, destination] of [
    ['no-cors', 'image'],
    ['navigate', 'iframe'],
    ['navigate', 'frame'],
    ['no-cors', 'script'],
    ['cors', 'empty'],
    ['navigate', 'object'],
  ] as const)
    expect(await ledTo(url, { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination })).toBeNull()
  expect(await ledTo(url, { origin: 'https://evil.test' })).toBeNull()
  expect(await ledTo(url, { origin: 'null' })).toBeNull()
  for (const method of ['POST', 'HEAD', 'OPTIONS'])
    expect([method, (await fetch(url, { method, redirect: 'manual' })).status]).toEqual([method, 405])
  for (const path of ['register', 'token', 'revoke']) {
    const from = {
      method: 'POST',
      headers: { origin: 'https://evil.test', 'content-type': 'application/json' },
      body: '{}',
    }
    expect((await fetch(`${originOf(door)}/oauth/${path}`, from)).status).toBe(403)
  }
  expect(door.signIn.decisions.list().length).toBe(before)
  expect(door.problems).toEqual([])
})

test('[threat.20] [signin] answers go to registered addresses of this machine and its applications, to nobody else', async () => {
  await using door = await startDoor()
  const bad = [
    'https://evil.test/callback',
    'http://evil.test/callback',
    'http://127.0.0.1.evil.test/callback',
    'http://localhost.evil.test/callback',
    'http://127.0.0.1@evil.test/callback',
    'http://127.0.0.1:80@evil.test/',
    'http://localhost:4711\\@evil.test/',
    'http://127.1/callback',
    'http://2130706433/callback',
    'http://0x7f.0.0.1/callback',
    'http://0.0.0.0:4711/callback',
    'http://[::ffff:127.0.0.1]:4711/callback',
    'http://LOCALHOST:4711/callback',
    'HTTP://127.0.0.1:4711/callback',
    'http://localhost:4711/callback#code',
    'http://localhost:99999/callback',
    'http://localhost:4711/call back',
    'http://localhost:4711/\r\nSet-Cookie: a=b',
    'http://localhost\u3002evil.test/',
    '//localhost/callback',
    '/callback',
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'blob:http://localhost/x',
    'vbscript:x',
    'view-source:http://localhost/',
    'ms-msdt:/id',
    'mcpmux://install',
    'about:blank',
    '',
  ]
  for (const uri of bad) {
    const answer = await postJson(`${originOf(door)}/oauth/register`, { redirect_uris: [uri] })
    // Registering on and on is slowed down, which is not what is looked at here.
    const error = await errorOf(answer)
    expect([uri, [429, 'slow_down'].includes(error[0] ?? 0) || error[1] === 'invalid_redirect_uri']).toEqual([
      uri,
      true,
    ])
  }
  // Bad ones among good ones are dropped.
  const mixed = await postJson(`${originOf(door)}/oauth/register`, {
    redirect_uris: [...bad, 7, null, 'cursor://anysphere.cursor-mcp/oauth/callback', callback],
  })
  expect(await mixed.json()).toMatchObject({
    redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/callback', callback],
    token_endpoint_auth_method: 'none',
  })

  const id = await register(door, ['http://127.0.0.1:4711/callback?a=b', 'com.example.app:/callback'])
  const tricks = [
    ...bad,
    'http://127.0.0.1:4711/callback',
    'http://127.0.0.1:4711/callback?a=b&c=d',
    'http://127.0.0.1:4711/callback?a=b#x',
    'http://127.0.0.1:4711/Callback?a=b',
    'http://127.0.0.1:4711/callback/../callback?a=b',
    'http://127.0.0.1:4711/callback/?a=b',
    'http://127.0.0.1:4711/call%62ack?a=b',
    'http://localhost:4711/callback?a=b',
    'http://[::1]:4711/callback?a=b',
    'http://127.0.0.1:4711@127.0.0.1:1/callback?a=b',
    'http://u:p@127.0.0.1:4711/callback?a=b',
    'https://127.0.0.1:4711/callback?a=b',
    'com.example.app://callback',
    'com.example.app:/callback/evil',
    'com.example.app.evil:/callback',
  ]
  const worse: Record<string, string | null>[] = [{}, { response_type: 'token' }, { code_challenge: null }]
  for (const redirect_uri of tricks)
    for (const more of worse) {
      const { url } = authorizeUrl(door, { client_id: id, redirect_uri, ...more })
      expect([redirect_uri, await ledTo(url)]).toEqual([redirect_uri, null])
    }
  expect(door.signIn.decisions.list()).toEqual([])
  // The port of a loopback address is as it comes (RFC 8252 section 7.3), and what is registered is shown in full.
  for (const [redirect_uri, receiver] of [
    ['http://127.0.0.1:9/callback?a=b', '127.0.0.1:9'],
    ['com.example.app:/callback', 'com.example.app:'],
  ] as const) {
    const tab = new Tab()
    await tab.open(authorizeUrl(door, { client_id: id, redirect_uri }).url)
    expect(door.signIn.decisions.list().at(-1)).toMatchObject({ receiver, redirectUri: redirect_uri })
    door.signIn.decisions.deny(tab.code)
    expect(
      await ledTo(tab.address, { cookie: [...tab.cookies].map((pair) => pair.join('=')).join() }),
    ).toStartWith(redirect_uri)
  }
})

test('[threat.20] [signin] a request that asks for less safety is refused, and says so to the program alone', async () => {
  await using door = await startDoor()
  const id = await register(door)
  const faults: [Record<string, string | null>, string][] = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'code token' }, 'unsupported_response_type'],
    [{ response_type: null }, 'invalid_request'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ response_mode: 'form_post' }, 'invalid_request'],
    [{ code_challenge: null }, 'invalid_request'],
    [{ code_challenge: '' }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: null }, 'invalid_request'],
    [{ code_challenge_method: 's256' }, 'invalid_request'],
    [{ resource: 'https://api.example' }, 'invalid_target'],
    [{ resource: `http://127.0.0.1:${door.port}/mcp` }, 'invalid_target'],
    [{ resource: `${originOf(door)}/mcp/../admin` }, 'invalid_target'],
    [{ resource: `${originOf(door)}.evil.test/mcp` }, 'invalid_target'],
    [{ request: 'eyJ' }, 'request_not_supported'],
    [{ request_uri: 'urn:x' }, 'request_uri_not_supported'],
    [{ prompt: 'none' }, 'interaction_required'],
  ]
  for (const [changes, error] of faults) {
    const to = new URL((await ledTo(authorizeUrl(door, { client_id: id, ...changes }).url)) ?? 'none:')
    expect([changes, to.origin + to.pathname, to.searchParams.get('error')]).toEqual([
      changes,
      callback,
      error,
    ])
    expect([to.searchParams.get('state'), to.searchParams.get('iss')]).toEqual(['the state', originOf(door)])
    expect(to.searchParams.has('code')).toBe(false)
  }
  // Twice the same parameter, an unknown client, no client: a page of ours, and nobody is led anywhere.
  const good = authorizeUrl(door, { client_id: id }).url
  const pages = [
    `${good}&state=other`,
    `${good}&redirect_uri=${encodeURIComponent('https://evil.test')}`,
    `${good}&client_id=x`,
    authorizeUrl(door, { client_id: 'mux-unknown' }).url,
    authorizeUrl(door, { client_id: null }).url,
    authorizeUrl(door, { client_id: 'https://evil.test/client.json' }).url,
  ]
  for (const url of pages) expect([url, await ledTo(url)]).toEqual([url, null])
  // An application is not brought up by a link to an error.
  const app = await register(door, ['com.example.app:/callback'])
  const broken = { client_id: app, redirect_uri: 'com.example.app:/callback', response_type: 'token' }
  expect(await ledTo(authorizeUrl(door, broken).url)).toBeNull()
  expect(door.signIn.decisions.list()).toEqual([])
  for (const resource of ['', '/', '/mcp', '/mcp/'])
    expect(
      await ledTo(authorizeUrl(door, { client_id: id, resource: originOf(door) + resource }).url),
    ).toStartWith(originOf(door))
})
