import type { Runtime } from '../runtime'
import { browserEnvironment } from './browser-environment'
import { type CleanUrl, cleanUrl } from './clean-url'
import { type Opener, openersOf, type Place } from './openers'

/**
 * What became of it. `opened`: a program took the address; whether a page shows, nobody can know. `unavailable`: no
 * browser can be reached from here. `refused`: the address is none to open, and nothing was started.
 */
export type Opened = { outcome: 'opened' } | { outcome: 'unavailable' | 'refused'; reason: string }

/** Opens an address in the person's browser. Never rejects. */
export type OpenBrowser = (url: string) => Promise<Opened>

/** Milliseconds in which an opener may still say that it cannot. The first browser of a day runs on as the opener. */
const PATIENCE = 3000

export function createOpenBrowser(deps: Place & { runtime: Pick<Runtime, 'sleep'> }): OpenBrowser {
  const { environment, platform, runtime } = deps

  /** False when the program cannot be started or fails at once. It outlives us, and nothing is read from it. */
  async function start([program, ...args]: Opener, url: CleanUrl): Promise<boolean> {
    const settled = new AbortController()
    try {
      const child = Bun.spawn({
        cmd: [program, ...args, url],
        env: browserEnvironment(environment, platform),
        cwd: platform === 'win32' ? undefined : '/',
        stdio: ['ignore', 'ignore', 'ignore'],
        detached: true,
        windowsHide: true,
      })
      child.unref()
      const runsOn = runtime.sleep(PATIENCE, settled.signal).then(() => 0)
      runsOn.catch(() => undefined)
      return (await Promise.race([child.exited, runsOn])) === 0
    } catch {
      return false
    } finally {
      settled.abort()
    }
  }

  return async (text) => {
    const { url, refused } = cleanUrl(text)
    if (url === null) return { outcome: 'refused', reason: refused }
    const openers = openersOf({ environment, platform })
    for (const opener of openers) if (await start(opener, url)) return { outcome: 'opened' }
    const reason = openers.length === 0 ? 'there is no browser here' : 'no browser could be started'
    return { outcome: 'unavailable', reason }
  }
}
