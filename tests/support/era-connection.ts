// A connection to a real server, opened the way the gateway does, without the gateway around it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EraChoice, EraVerdict } from '../../gateway/domain/era'
import type { Era, Exchange } from '../../gateway/domain/exchange'
import type { Feature } from '../../gateway/domain/feature'
import { settingSpecs } from '../../gateway/domain/settings'
import type { ReadSetting } from '../../gateway/domain/settings'
import { GatewayError } from '../../gateway/errors'
import { createServerEnvironment } from '../../gateway/process/environment'
import { systemRuntime } from '../../gateway/runtime'
import { createRedactor } from '../../gateway/secrets/redactor'
import { openStreamableHttp } from '../../gateway/transport/http-channel'
import { openStdio } from '../../gateway/transport/stdio-channel'
import type { Connection } from '../../gateway/upstream/connection'
import { openByEra } from '../../gateway/upstream/open-by-era'
import type { Envelope } from '../../gateway/wire/envelope'
import { member } from '../../gateway/wire/members'
import { scanMessage } from '../../gateway/wire/scan'
import { decodeUtf8, encodeUtf8 } from '../../gateway/wire/text'
import { testFetch } from './remote-leg'
import { testTrees } from './stdio-leg'

export interface EraConnection extends AsyncDisposable {
  connection: Connection
  logs: string[]
  /** Lists that were announced as changed, and resources, in order. */
  heard: string[]
  /** How often a call gave its place up (-1) and took it again (1). */
  places: number[]
  verdict(): EraVerdict | null
  /** Sends the raw message of a client; resolves with the raw answer. */
  send(message: string, exchange?: Partial<Exchange>): Promise<string>
}

interface Options {
  era?: EraChoice
  verdict?: EraVerdict | null
  /** Hears of a verdict that is dropped. */
  onForget?: () => void
  tools?: () => readonly Feature[]
  settings?: Partial<Record<string, number>>
}

const limits = { maxMessageBytes: 16 * 2 ** 20, maxQueuedBytes: 8 * 2 ** 20, connectTimeout: 10_000 }

export const testExchange = (era: Era, more: Partial<Exchange> = {}): Exchange => ({
  identity: { clientId: 'c', credentialId: 'k' },
  era,
  conversation: 'one',
  clientCapabilities: '{}',
  logLevel: null,
  progressToken: null,
  notify: () => undefined,
  ask: () => Promise.reject(new GatewayError('rpc.method_unknown')),
  signal: new AbortController().signal,
  onCancel: () => undefined,
  cancelled: false,
  ...more,
})

/** `where` is a command line, or the address of a server. */
export async function openEra(
  where: readonly string[] | string,
  options: Options = {},
): Promise<EraConnection> {
  const folder = mkdtempSync(join(tmpdir(), 'mux-era-'))
  const logs: string[] = []
  const heard: string[] = []
  const places: number[] = []
  const leaving: Promise<void>[] = []
  let verdict = options.verdict ?? null
  const settings: ReadSetting = (key) =>
    (options.settings?.[key] ?? settingSpecs[key].default) as ReturnType<typeof settings>
  const [command = '', ...args] = typeof where === 'string' ? [] : where
  const redactor = createRedactor()
  const stdio = {
    trees: testTrees(),
    environment: createServerEnvironment({
      environment: { PATH: process.env.PATH ?? '', HOME: folder },
      platform: process.platform,
      loginPath: async () => null,
    }),
    runtime: systemRuntime,
    redactor,
    platform: process.platform,
  }
  const connection = await openByEra(
    {
      era: options.era ?? 'auto',
      definition:
        typeof where === 'string'
          ? { type: 'http', url: where, headers: {} }
          : { type: 'stdio', command, args, env: {}, cwd: null },
    },
    {
      get: () => verdict,
      set: (found) => {
        verdict = found
      },
      forget: () => {
        verdict = null
        options.onForget?.()
      },
    },
    {
      open: async (events) =>
        typeof where === 'string'
          ? openStreamableHttp({
              url: where,
              headers: {},
              limits,
              events,
              safeFetch: testFetch(),
              authorization: null,
              runtime: systemRuntime,
            })
          : openStdio({ command, args, env: {}, cwd: folder, ownFolder: folder, limits, events }, stdio),
      settings,
      runtime: systemRuntime,
      inbound: {
        listChanged: (kinds) => heard.push(...kinds),
        resourceUpdated: (uri, { bytes }) => heard.push(`${uri} ${decodeUtf8(bytes)}`),
        toConversation: () => undefined,
        taskChanged: (message) => heard.push(decodeUtf8(message.bytes)),
        unsolicited: (message) => heard.push(decodeUtf8(message.bytes)),
      },
      shared: true,
      onPlace: (by) => places.push(by),
      log: (source, line) => logs.push(`${source}: ${line}`),
      redact: redactor.redact,
      tools: options.tools ?? (() => []),
      leaving: (work) => leaving.push(work),
      onClose: (error) => heard.push(`closed ${error?.code ?? 'by us'}`),
      signal: new AbortController().signal,
    },
  ).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })

  const tokenOf = ({ bytes, params }: Envelope) => {
    const meta = params && member(bytes, params, '_meta')
    return meta && member(bytes, meta, 'progressToken')
  }
  return {
    connection,
    logs,
    heard,
    places,
    verdict: () => verdict,
    async send(text, exchange = {}) {
      const message = scanMessage(encodeUtf8(text))
      const given = testExchange('legacy', exchange)
      const progressToken = given.progressToken === null ? null : tokenOf(message)
      const answer = await connection.request({ message, edits: [], progressToken }, given)
      return decodeUtf8(answer.bytes)
    },
    async [Symbol.asyncDispose]() {
      await connection.close('the test is over')
      await Promise.all(leaving)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
