// The reference servers from npm, as upstreams of the tests.
import { join } from 'node:path'
import { repository } from './daemon'

const modules = join(repository, 'node_modules', '@modelcontextprotocol')
const entry = (name: string) => join(modules, name, 'dist', 'index.js')

export const everythingStdio = ['node', entry('server-everything'), 'stdio']
export const filesystem = (folder: string) => ['node', entry('server-filesystem'), folder]
export const memory = ['node', entry('server-memory')]
export const sequentialThinking = ['node', entry('server-sequential-thinking')]

export interface RemoteServer extends AsyncDisposable {
  url: string
}

/** server-everything over Streamable HTTP (`/mcp`) or legacy SSE (`/sse`) on a free port. */
export async function everythingRemote(transport: 'streamableHttp' | 'sse'): Promise<RemoteServer> {
  const port = await freePort()
  const child = Bun.spawn(['node', entry('server-everything'), transport], {
    env: { PATH: process.env.PATH ?? '', PORT: String(port) },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  const url = `http://127.0.0.1:${port}${transport === 'sse' ? '/sse' : '/mcp'}`
  const end = Date.now() + 60_000
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (answered) break
    if (Date.now() > end) throw new Error(`server-everything ${transport} did not come up`)
    await Bun.sleep(50)
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

export async function freePort(): Promise<number> {
  const probe = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const { port } = probe
  await probe.stop(true)
  if (!port) throw new Error('no free port')
  return port
}
