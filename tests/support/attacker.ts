// A real browser on a page that does not mean well.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'
const page = readFileSync(join(import.meta.dir, '../servers/attack-page.html'), 'utf8')

/** Whether the tests with a browser can run on this machine. */
export const browserInstalled = existsSync(EXECUTABLE)

export interface Assault {
  /** Origin the page comes from: one the attacker serves, or any other, which the browser is made to believe. */
  from: string
  targets: readonly string[]
  key: string
  session: string
  body: string
  /** How long one attack is waited for; one that takes longer counts as silent. */
  patienceMs?: number
}

export interface Outcome {
  /** Attacks that were made. */
  tried: number
  /** What the page got to see, one line for each success. */
  seen: string[]
  /** Names of CORS headers in the answers the browser received. */
  cors: string[]
  /** Statuses of those answers, as `METHOD url status`. */
  answers: string[]
}

const servePage = () =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => new Response(page, { headers: { 'content-type': 'text/html' } }),
  })

/**
 * Starts Chromium with `evil.test` at 127.0.0.1, as after DNS rebinding, and two servers of the attacker: one that the
 * browser knows to be on this machine, and one that it takes for a server of the internet, so that its own guard of
 * local addresses applies to that one's pages, unless `guarded` is false.
 */
export async function startAttacker({ guarded }: { guarded: boolean }) {
  const near = servePage()
  const far = servePage()
  const served = [`http://localhost:${near.port}`, `http://evil.test:${far.port}`] as const
  const browser: Browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-quic',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--host-resolver-rules=MAP evil.test 127.0.0.1',
      `--ip-address-space-overrides=127.0.0.1:${far.port}=public`,
      ...(guarded ? [] : ['--disable-features=LocalNetworkAccessChecks']),
    ],
  })
  return {
    /** Origins the attacker serves: the near one and the far one. */
    near: served[0],
    far: served[1],
    async attack({ from, patienceMs = 1500, ...attack }: Assault): Promise<Outcome> {
      const context = await browser.newContext()
      const tab = await context.newPage()
      const cors = new Set<string>()
      const answers: string[] = []
      const address = `${from}/attack-page`
      tab.on('response', (response) => {
        if (response.url().startsWith(address)) return
        answers.push(`${response.request().method()} ${response.url()} ${response.status()}`)
        for (const name of Object.keys(response.headers())) {
          if (name.startsWith('access-control-')) cors.add(name)
        }
      })
      // Only this one address is answered by the attacker; everything else of the same origin is the real thing.
      if (!served.some((origin) => origin === from))
        await tab.route(address, (route) => route.fulfill({ contentType: 'text/html', body: page }))
      await tab.goto(`${address}#${encodeURIComponent(JSON.stringify({ ...attack, patienceMs }))}`)
      await tab.waitForFunction('window.done === true', undefined, { timeout: 110_000 })
      const seen = await tab.evaluate<string[]>('window.seen')
      const tried = await tab.evaluate<number>('window.tried')
      await context.close()
      return { tried, seen, cors: [...cors], answers }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await Promise.all([near.stop(true), far.stop(true)])
    },
  }
}
