// Many clients of one server that number their calls alike, each with words of its own.
import type { Daemon } from './daemon'
import { mcpHeaders, openRawSession } from './raw-client'

export interface Said {
  id?: number
  method?: string
  params?: { progressToken?: unknown; message?: string; data?: string }
  result?: { content?: { text?: string }[] }
  error?: { data?: { code?: string } }
}

export interface Party {
  index: number
  headers: Record<string, string>
  post(body: string): Promise<Said[]>
}

const messagesOf = (response: Response, text: string): Said[] => {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
    return text ? [JSON.parse(text) as Said] : []
  // The first event of a stream has no data.
  return [...text.matchAll(/^data: *(\S.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Said)
}

/** So many clients of the daemon, which want to hear every log message. */
export const openParties = (daemon: Daemon, count: number): Promise<Party[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const key = (await daemon.ok('key', 'create', `client${index}`)).trim()
      const { id } = await openRawSession(daemon.mcpUrl, key)
      const headers = { ...mcpHeaders(key), 'Mcp-Session-Id': id }
      const post = async (body: string) => {
        const response = await fetch(daemon.mcpUrl, { method: 'POST', headers, body })
        return messagesOf(response, await response.text())
      }
      await post('{"jsonrpc":"2.0","id":0,"method":"logging/setLevel","params":{"level":"debug"}}')
      return { index, headers, post }
    }),
  )

export const callBody = (id: number, tool: string, text: string, token = '') =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"mix_${tool}","arguments":{"text":"${text}"}${token && `,"_meta":{"progressToken":${token}}`}}}`

export const cancelBody = (id: number | string) =>
  `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${JSON.stringify(id)}}}`

export const textOf = (said: Said[]): string | undefined => said.at(-1)?.result?.content?.[0]?.text

export const codeOf = (said: Said[]): string | undefined => said.at(-1)?.error?.data?.code

/** Words of this client and call; `own` matches those of all its calls. */
export const canaryOf = (index: number, id: number) => `canary-${index}-${id}-`

/**
 * Why what came back on one call is not right: answers and progress are the call's own, logs the client's own. Null
 * when it is. `cancelled`: it may have ended so instead.
 */
export function wrongIn(said: Said[], index: number, id: number, cancelled: boolean): string | null {
  const canary = canaryOf(index, id)
  const answers = said.filter((message) => message.id !== undefined)
  const right = ({ id: named, method, params, result, error }: Said): boolean => {
    if (method === 'notifications/progress') return params?.progressToken === id && params.message === canary
    if (method === 'notifications/message') return params?.data?.startsWith(`canary-${index}-`) ?? false
    if (cancelled && error) return named === id && error.data?.code === 'rpc.cancelled'
    return named === id && result?.content?.[0]?.text === canary
  }
  if (answers.length === 1 && said.every(right)) return null
  return `call ${id} of client ${index}: ${JSON.stringify(said)}`
}
