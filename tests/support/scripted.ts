// Short hands for tests that drive the compiled binary with `tests/servers/scripted-stdio.ts`.
import { join } from 'node:path'
import { repository, type Daemon } from './daemon'
import { openRawSession, type RawSession } from './raw-client'

export const scripted = (mode: string, ...rest: string[]): string[] => [
  process.execPath,
  join(repository, 'tests/servers/scripted-stdio.ts'),
  mode,
  ...rest,
]

export interface Caller extends RawSession {
  names(): Promise<string[]>
  /** The whole JSON-RPC answer, parsed. */
  request(method: string, params?: object): Promise<Answer>
  call(name: string, args?: object): Promise<Answer>
}

export interface Answer {
  id: unknown
  result?: { content?: { text?: string }[]; tools?: { name: string }[]; _meta?: Record<string, unknown> }
  error?: { code: number; message: string; data?: { code?: string } }
}

export async function openCaller(daemon: Pick<Daemon, 'mcpUrl'>, key: string): Promise<Caller> {
  const session = await openRawSession(daemon.mcpUrl, key)
  let id = 100
  const request = async (method: string, params: object = {}): Promise<Answer> => {
    const { message } = await session.post(JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }))
    return JSON.parse(message) as Answer
  }
  return {
    ...session,
    request,
    call: (name, args = {}) => request('tools/call', { name, arguments: args }),
    names: async () => ((await request('tools/list')).result?.tools ?? []).map((tool) => tool.name),
  }
}

export const textOf = (answer: Answer): string | undefined => answer.result?.content?.[0]?.text

/** True while the process exists (a zombie counts as gone). */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
