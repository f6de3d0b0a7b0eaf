// The fixture of the conformance suite and the matrix as a process, and as a command line for the gateway.
import { join } from 'node:path'
import { repository } from './daemon'

export interface Flavour {
  sdk: 'v1' | 'v2'
  era: 'legacy' | 'modern' | 'dual'
}
export type FixtureTransport = 'stdio' | 'http' | 'sse'

export const fixtureCommand = ({ sdk, era }: Flavour, transport: FixtureTransport): string[] => [
  process.execPath,
  join(repository, 'tests/servers/conformance-server.ts'),
  '--sdk',
  sdk,
  '--era',
  era,
  '--transport',
  transport,
]

export interface Fixture extends AsyncDisposable {
  url: string
}

/** The fixture on a free port, ready to be asked. */
export async function startFixture(flavour: Flavour, transport: 'http' | 'sse'): Promise<Fixture> {
  const child = Bun.spawn(fixtureCommand(flavour, transport), {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const reader = child.stdout.getReader()
  const { value } = await reader.read()
  reader.releaseLock()
  const url = new TextDecoder().decode(value).trim()
  if (!url.startsWith('http://')) throw new Error(`the fixture said: ${url}`)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
