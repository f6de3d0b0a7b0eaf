// A real authorization server and an MCP server behind it, in a process of their own.
import { join } from 'node:path'
import type { OidcLog, OidcOptions } from '../servers/oidc-server'
import { repository } from './daemon'

export interface Oidc extends AsyncDisposable {
  issuer: string
  mcpUrl: string
  /** What came to both. */
  log(): Promise<OidcLog>
}

export async function startOidc(options: Partial<OidcOptions> = {}): Promise<Oidc> {
  const all: OidcOptions = { life: 3600, registration: true, format: 'opaque', ...options }
  const child = Bun.spawn(
    [process.execPath, join(repository, 'tests/servers/oidc-server.ts'), JSON.stringify(all)],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' },
  )
  let line = ''
  for await (const chunk of child.stdout) {
    line += new TextDecoder().decode(chunk)
    if (line.includes('\n')) break
  }
  const { issuer, mcpUrl } = JSON.parse(line) as { issuer: string; mcpUrl: string }
  return {
    issuer,
    mcpUrl,
    log: async () => (await (await fetch(new URL('/log', mcpUrl))).json()) as OidcLog,
    async [Symbol.asyncDispose]() {
      await child.stdin.end()
      await child.exited
    },
  }
}

/**
 * What a browser does with the address of a sign-in, where nobody has to be asked: follows every redirect, with cookies,
 * until it is sent back to McpMux. Resolves with that address.
 */
export async function browse(address: string, home: string): Promise<string> {
  const cookies = new Map<string, string>()
  let at = address
  for (let hops = 0; hops < 20; hops++) {
    if (at.startsWith(home)) return at
    const response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';', 1)[0]?.split('=') ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${at} answered ${response.status}: ${await response.text()}`)
    at = new URL(location, at).href
  }
  throw new Error('it leads nowhere')
}
