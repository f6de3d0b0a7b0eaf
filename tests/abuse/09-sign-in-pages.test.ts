// The pages of the sign-in in a real browser: one waits and goes on by itself, and none shows or runs what it was sent.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Browser, chromium } from 'playwright-core'
import { visibleText } from '../../gateway/domain/visible-text'
import { claimedName } from '../../gateway/domain/claimed-name'
import { browserInstalled } from '../support/attacker'
import { startDoor, until } from '../support/door'
import { payloads } from '../support/page-payloads'
import { authorizeUrl, originOf, register } from '../support/signed-in'

/** A program that waits for its answer, as one on this machine does. */
function program() {
  const answers: URL[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const url = new URL(request.url)
      if (url.pathname === '/callback') answers.push(url)
      return new Response('<title>The program</title>', { headers: { 'content-type': 'text/html' } })
    },
  })
  return {
    answers,
    redirect: `http://127.0.0.1:${server.port}/callback`,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

describe.if(browserInstalled)('the pages of a sign-in', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    })
  })
  afterAll(() => browser.close())

  test('[threat.09] [signin] the page that waits goes on by itself once a person approved, and leaves nothing behind', async () => {
    await using door = await startDoor()
    await using waiting = program()
    const id = await register(door, [waiting.redirect])
    const tab = await browser.newPage()
    await tab.goto(authorizeUrl(door, { client_id: id, redirect_uri: waiting.redirect }).url)
    const code = await tab.getByRole('status').innerText()
    expect(door.signIn.decisions.list().map((one) => one.code)).toEqual([code])
    // Neither state nor challenge stays in the address, and nothing on it can be pressed or filled in.
    expect(tab.url()).toMatch(/\/oauth\/wait\?id=[0-9a-f]{32}$/)
    expect(await tab.locator('a, button, form, input, script, iframe, img').count()).toBe(0)
    // It asks again by itself, and still waits.
    await tab.waitForEvent('load')
    expect(await tab.getByRole('status').innerText()).toBe(code)
    door.signIn.decisions.approve(code, {})
    await tab.waitForURL(`${waiting.redirect}**`)
    expect(await tab.title()).toBe('The program')
    expect(waiting.answers.length).toBe(1)
    expect(waiting.answers[0]?.searchParams.get('state')).toBe('the state')
    await tab.goto(`${originOf(door)}/oauth/wait?id=x`)
    expect(await tab.title()).toBe('Nothing waits here')
    await tab.close()
  })

  test('[threat.09] [signin] no page shows or runs anything it was sent, whichever parameter it is in', async () => {
    await using door = await startDoor()
    const context = await browser.newContext()
    const tab = await context.newPage()
    const asked: string[] = []
    tab.on('request', (request) => asked.push(request.url()))
    const origin = originOf(door)
    const id = await register(door, undefined, payloads.join(' '))
    const names = [
      'client_id',
      'redirect_uri',
      'state',
      'scope',
      'resource',
      'response_type',
      'code_challenge',
      'nonce',
      'error',
      'error_description',
      'id',
      'iss',
    ]
    let looked = 0
    const look = async (url: string) => {
      asked.length = 0
      const response = await tab.goto(url)
      // Every answer says what a page may do here: nothing.
      expect(response?.headers()['content-security-policy']).toContain("default-src 'none'")
      expect(response?.headers()['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(response?.headers()['referrer-policy']).toBe('no-referrer')
      expect(response?.headers()['x-content-type-options']).toBe('nosniff')
      const seen = await tab.content()
      for (const payload of payloads) expect([url, seen.includes(payload)]).toEqual([url, false])
      expect([url, /ran=1|evil\.test|alert/.test(seen)]).toEqual([url, false])
      expect([url, await tab.evaluate('window.ran')]).toEqual([url, undefined])
      expect([url, asked.filter((one) => !one.startsWith(origin))]).toEqual([url, []])
      looked += 1
    }
    // The page that waits, of a program that calls itself all of this.
    await look(authorizeUrl(door, { client_id: id }).url)
    for (const payload of payloads) {
      // All at once on the page of a refusal, and each alone where the rest is right or not.
      const everything = new URLSearchParams(names.map((name) => [name, payload]))
      await look(`${origin}/oauth/authorize?${everything}`)
      await look(`${origin}/oauth/wait?${everything}`)
      await look(authorizeUrl(door, { client_id: id, redirect_uri: payload }).url)
    }
    for (const [at, name] of names.entries()) {
      const payload = payloads[at % payloads.length] ?? ''
      const { url } = authorizeUrl(door, { client_id: 'mux-unknown', [name]: payload })
      await look(url)
    }
    expect(looked).toBe(1 + payloads.length * 3 + names.length)
    await context.close()
    expect(door.problems).toEqual([])
  })

  test('[threat.09] [threat.20] [signin] no page can put the sign-in into a frame, or hear of it from one it opened', async () => {
    await using door = await startDoor()
    await using page = program()
    const id = await register(door)
    const { url } = authorizeUrl(door, { client_id: id })
    const tab = await browser.newPage()
    await tab.goto(new URL('/page', page.redirect).href)
    await tab.evaluate(
      `document.body.innerHTML = '<iframe></iframe>'; document.querySelector('iframe').src = ${JSON.stringify(url)}`,
    )
    await until(() => tab.frames().length === 2)
    await tab.frames()[1]?.waitForLoadState()
    expect(door.signIn.decisions.list()).toEqual([])
    // A window it opens is another one to it.
    const [opened] = await Promise.all([
      tab.waitForEvent('popup'),
      tab.evaluate(`window.other = window.open(${JSON.stringify(url)})`),
    ])
    await opened.getByRole('status').waitFor()
    await until(async () => (await tab.evaluate('window.other.closed')) === true)
    expect(await opened.evaluate('window.opener')).toBeNull()
    await tab.close()
    await opened.close()
  })
})

test('[threat.09] [threat.20] [signin] a name that a program gives itself is one short line in which nothing hides', () => {
  const hidden = [
    '\u200b',
    '\u202e',
    '\u2066',
    '\ufeff',
    '\u00ad',
    '\u{e0041}',
    '\u3164',
    '\u2800',
    '\u0007',
    '\u001b[31m',
    '\u2028',
  ]
  for (const mark of hidden) {
    const name = claimedName(`Claude${mark} Code`)
    expect([mark, /^[\x20-\x7e]+$/.test(name)]).toEqual([mark, true])
    if (!/\s/.test(mark))
      expect(name).toBe(
        `Claude${visibleText([...mark][0] ?? '')}${mark.slice([...mark][0]?.length ?? 0)} Code`,
      )
  }
  expect(claimedName('  Éditeur\n\tde   Zoé ')).toBe('Éditeur de Zoé')
  for (const empty of ['', '   ', '\n']) expect(claimedName(empty)).toBe('unnamed')
  expect([...claimedName('x'.repeat(5000))].length).toBe(60)
  expect([...claimedName(`e${'\u0301'.repeat(500)}`)].length).toBeLessThan(5)
})
