// The page a browser ends on after a sign-in at a server: the same for everybody, and nothing of what came is in it.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Browser, chromium } from 'playwright-core'
import { browserInstalled } from '../support/attacker'
import { startEvilAs } from '../support/evil-as'
import { openFlowParts } from '../support/flow-parts'
import { payloads } from '../support/page-payloads'
import { type SourceDaemon, startSourceDaemon } from '../support/source-daemon'

const names = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'response', 'x']

let daemon: SourceDaemon
let origin: string
beforeAll(async () => {
  daemon = await startSourceDaemon()
  origin = new URL(daemon.mcpUrl).origin
})
afterAll(() => daemon[Symbol.asyncDispose]())

const seen = async (address: string) => {
  const first = await fetch(address, { redirect: 'manual' })
  const page = await fetch(new URL(first.headers.get('location') ?? '', address), { redirect: 'manual' })
  const headers = ({ headers: all }: Response) =>
    [...all].filter(([name]) => name !== 'date').map(([name, value]) => `${name}: ${value}`)
  return {
    text: JSON.stringify([first.status, headers(first), await first.text(), page.status, headers(page)]),
    page: await page.text(),
  }
}

test('[threat.09] the callback says the same of everything it is sent', async () => {
  const plain = await seen(`${origin}/oauth/callback`)
  expect(plain.text).toContain('"location: /oauth/answered"')
  expect(plain.text).toContain("content-security-policy: default-src 'none'; style-src 'sha256-")
  for (const part of ['referrer-policy: no-referrer', 'cache-control: no-store', 'x-frame-options: DENY'])
    expect(plain.text).toContain(part)
  for (const payload of payloads)
    for (const query of [
      new URLSearchParams(names.map((name) => [name, payload])),
      new URLSearchParams([[payload, payload]]),
      encodeURIComponent(payload),
    ])
      expect(await seen(`${origin}/oauth/callback?${query}`)).toEqual(plain)
})

test('[threat.09] a sign-in that works, one that is refused, and one nobody began end on the same page', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const good = await parts.flows.begin(server.id)
  const pages = [await seen(String(await evil.browse(good.url ?? '')))]
  expect((await parts.over(good.id)).phase).toBe('done')
  evil.mode = 'error-hostile-words'
  const bad = await parts.flows.begin(server.id)
  pages.push(await seen(String(await evil.browse(bad.url ?? ''))))
  expect((await parts.over(bad.id)).phase).toBe('failed')
  pages.push(await seen(`${parts.origin}/oauth/callback?code=x&state=y`))
  expect(pages.map((one) => JSON.stringify(one) === JSON.stringify(pages[0]))).toEqual([true, true, true])
})

describe.if(browserInstalled)('the callback in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    })
  })
  afterAll(() => browser.close())

  test('[threat.09] nothing it is sent runs or is shown, and neither code nor state stays in its history', async () => {
    const tab = await browser.newPage()
    const asked: string[] = []
    tab.on('request', (request) => asked.push(request.url()))
    const dialogs: string[] = []
    tab.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    let shown: string | null = null
    for (const payload of payloads) {
      await tab.goto(`${origin}/oauth/callback?${new URLSearchParams(names.map((name) => [name, payload]))}`)
      expect(tab.url()).toBe(`${origin}/oauth/answered`)
      shown ??= await tab.content()
      expect(await tab.content()).toBe(shown)
      expect(await tab.evaluate('window.ran')).toBeUndefined()
    }
    expect(await tab.locator('a, button, form, input, script, iframe, img').count()).toBe(0)
    await tab.goBack()
    expect(tab.url()).not.toContain('callback')
    expect(dialogs).toEqual([])
    expect(asked.filter((url) => !url.startsWith(origin))).toEqual([])
  })
})
