import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { GatewayError } from '../../gateway/errors'
import { systemRuntime } from '../../gateway/runtime'
import { createRedactor } from '../../gateway/secrets/redactor'
import type { Secret } from '../../gateway/secrets/secret'
import type { ChannelLimits } from '../../gateway/transport/channel'
import { createServerEnvironment } from '../../gateway/process/environment'
import { createProcessTable } from '../../gateway/process/process-table'
import { createProcessTrees, newRunMark, type ProcessTrees } from '../../gateway/process/process-tree'
import { openStdio, type StdioChannel } from '../../gateway/transport/stdio-channel'
import type { Envelope } from '../../gateway/wire/envelope'
import { newToken, TOKEN, waitUntil } from './processes'

export const evil = (mode: string, ...rest: string[]) => ({
  command: process.execPath,
  args: [resolve(import.meta.dir, '../servers/evil-stdio.ts'), mode, ...rest],
})

export const testTrees = (): ProcessTrees =>
  createProcessTrees({
    runtime: systemRuntime,
    processes: createProcessTable(process.platform),
    runMark: newRunMark(systemRuntime),
    watches: [],
  })

/** A stdio leg with everything it reports. */
export interface StdioLeg extends AsyncDisposable {
  channel: StdioChannel
  token: string
  messages: Envelope[]
  failed: { callId: number; error: GatewayError }[]
  logs: string[]
  /** Null until `onClose`. */
  closed(): { error: GatewayError | null } | null
  /** Sends a tools/call and resolves with the text of the message that answers it, or with the failure of the call. */
  call(id: number, tool?: string, text?: string): Promise<string | GatewayError>
  closing(): Promise<GatewayError | null>
}

export async function openStdioLeg(
  program: { command: string; args: readonly string[] },
  options: {
    env?: Record<string, string | Secret>
    cwd?: string | null
    limits?: Partial<ChannelLimits>
    inherited?: Record<string, string>
    trees?: ProcessTrees
  } = {},
): Promise<StdioLeg> {
  const token = newToken()
  const folder = mkdtempSync(join(tmpdir(), 'mux-stdio-'))
  const messages: Envelope[] = []
  const failed: StdioLeg['failed'] = []
  const logs: string[] = []
  let closed: { error: GatewayError | null } | null = null
  const channel = await openStdio(
    {
      ...program,
      env: { [TOKEN]: token, ...options.env },
      cwd: options.cwd ?? null,
      ownFolder: join(folder, 'servers', 'one'),
      limits: {
        maxMessageBytes: 16 * 2 ** 20,
        maxQueuedBytes: 8 * 2 ** 20,
        connectTimeout: 10_000,
        ...options.limits,
      },
      events: {
        onMessage: (message) => messages.push(message),
        onCallFailed: (callId, error) => failed.push({ callId, error }),
        onLog: (source, line) => logs.push(`${source}: ${line}`),
        onClose: (error) => {
          closed = { error }
        },
      },
    },
    {
      trees: options.trees ?? testTrees(),
      environment: createServerEnvironment({
        environment: options.inherited ?? { PATH: '/usr/bin:/bin', HOME: folder },
        platform: process.platform,
        loginPath: async () => null,
      }),
      runtime: systemRuntime,
      redactor: createRedactor(),
      platform: process.platform,
    },
  )
  const decode = (message: Envelope) => new TextDecoder().decode(message.bytes)
  const answerTo = (id: number) =>
    messages.find(
      ({ kind, id: span, bytes }) =>
        kind === 'response' && span && Number(Buffer.from(bytes.subarray(span.start, span.end))) === id,
    )
  return {
    channel,
    token,
    messages,
    failed,
    logs,
    closed: () => closed,
    async call(id, tool = 'go', text = 'hello') {
      const params = { name: tool, arguments: { text } }
      await channel.send(
        Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })),
        id,
      )
      const failure = () => failed.find((one) => one.callId === id)?.error ?? closed?.error
      await waitUntil(`an answer to call ${id}`, () => answerTo(id) !== undefined || failure() !== undefined)
      const answer = answerTo(id)
      return answer ? decode(answer) : (failure() as GatewayError)
    },
    async closing() {
      await waitUntil('the leg closes', () => closed !== null)
      return (closed as { error: GatewayError | null } | null)?.error ?? null
    },
    async [Symbol.asyncDispose]() {
      await channel.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
