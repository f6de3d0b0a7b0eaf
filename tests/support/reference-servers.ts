// The reference servers from npm, as upstreams of the tests.
import { join } from 'node:path'
import { repository } from './daemon'
import { isAlive, listeningPorts, waitUntil } from './processes'

const modules = join(repository, 'node_modules', '@modelcontextprotocol')
const entry = (name: string) => join(modules, name, 'dist', 'index.js')

export const everythingStdio = ['node', entry('server-everything'), 'stdio']
export const filesystem = (folder: string) => ['node', entry('server-filesystem'), folder]
export const memory = ['node', entry('server-memory')]
export const sequentialThinking = ['node', entry('server-sequential-thinking')]

export interface RemoteServer extends AsyncDisposable {
  url: string
}

/** server-everything over Streamable HTTP (`/mcp`) or legacy SSE (`/sse`) on a port of its own choice. */
export async function everythingRemote(transport: 'streamableHttp' | 'sse'): Promise<RemoteServer> {
  const child = Bun.spawn(['node', entry('server-everything'), transport], {
    env: { PATH: process.env.PATH ?? '', PORT: '0' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  // It does not say which one it got. One that was free a moment ago may be another test's by now.
  const own = () => (isAlive(child.pid) ? listeningPorts(child.pid) : [])
  await waitUntil(`server-everything ${transport} listens`, () => own().length > 0)
  const url = `http://127.0.0.1:${own()[0]}${transport === 'sse' ? '/sse' : '/mcp'}`
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}
