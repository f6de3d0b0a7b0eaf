import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import { Secret } from '../secrets/secret'
import { type Channel, type ChannelEvents, type ChannelLimits, UndeliveredError } from './channel'
import type { ServerEnvironment } from '../process/environment'
import type { Exit, ProcessTrees } from '../process/process-tree'
import { resolveCommand } from '../process/resolve-command'
import { ensureServerFolder } from './server-folder'
import { createServerLog } from './server-log'
import { readStderr } from './stderr-reader'
import { readStdout } from './stdio-reader'
import { createStdioWriter } from './stdio-writer'

export interface StdioOptions {
  command: string
  args: readonly string[]
  /** The variables its definition declares, resolved; they win over the inherited ones. */
  env: Readonly<Record<string, string | Secret>>
  /** Secrets that are only a part of one of them. */
  secrets?: readonly Secret[]
  /** Working folder of the definition; null takes `ownFolder`. */
  cwd: string | null
  /** The server's own folder inside the data folder, made (0700) when it is used. */
  ownFolder: string
  limits: ChannelLimits
  events: ChannelEvents
}

export interface StdioDeps {
  trees: ProcessTrees
  environment: ServerEnvironment
  runtime: Pick<Runtime, 'monotonic' | 'sleep'>
  redactor: Redactor
  platform: NodeJS.Platform
}

/** A stdio leg, with what a person wants to know of its process. */
export interface StdioChannel extends Channel {
  readonly pid: number
}

/**
 * The process of a server ended, or closed its output, by itself. `lastWords` is the end of its stderr, cleaned of
 * control characters and of the secrets it was given: for the person, never for a client.
 */
export class ServerLostError extends GatewayError {
  constructor(
    detail: string,
    readonly lastWords: string,
  ) {
    super('upstream.lost', detail)
    this.name = 'ServerLostError'
  }
}

const LAST_WORDS = 500
/** How long output may still arrive after the end of the process, and the end of the process after that of its output. */
const SETTLE = 250

const howItEnded = ({ code, signal }: Exit): string =>
  signal === null ? `its process ended with code ${code}` : `its process was ended by ${signal}`

/**
 * Starts a server's program and speaks newline-delimited JSON-RPC with it (MCP 2025-11-25, transports: stdio). Throws
 * `upstream.spawn_failed` when the program cannot be started; whatever happens later is told to `events`.
 */
export async function openStdio(options: StdioOptions, deps: StdioDeps): Promise<StdioChannel> {
  const { events, limits } = options
  const { runtime, platform } = deps
  const declared: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.env))
    declared[name] = value instanceof Secret ? value.reveal() : value
  const env = await deps.environment.forServer(declared)
  const command = resolveCommand(options.command, { environment: env, platform })
  const cwd = options.cwd ?? ensureServerFolder(options.ownFolder)
  const tree = deps.trees.spawn({ command, args: options.args, env, cwd })
  const held = deps.redactor.hold([
    ...Object.values(options.env).filter((value) => value instanceof Secret),
    ...(options.secrets ?? []),
  ])

  const log = createServerLog({
    onLog: (source, line) => closed || events.onLog(source, line),
    redact: deps.redactor.redact,
    runtime,
  })
  let closed = false
  let closing: Promise<void> | null = null
  /** Calls sent and not answered; one that is never answered only costs the next ones a little speed. */
  let open = 0

  const stderr = readStderr(tree.stderr, log)
  const stdout = readStdout(tree.stdout, {
    maxMessageBytes: limits.maxMessageBytes,
    events: {
      onMessage(message, callId) {
        if (message.kind === 'response' && open > 0) open--
        events.onMessage(message, callId)
      },
      onCallFailed: (callId, error) => closed || events.onCallFailed(callId, error),
    },
    log,
    runtime,
    onFatal: finish,
  })
  const writer = createStdioWriter({
    stdin: tree.stdin,
    maxQueuedBytes: limits.maxQueuedBytes,
    onBroken: () => void lost('it closed its input'),
  })

  function finish(error: GatewayError | null): void {
    if (closed) return
    log.end()
    closed = true
    stdout.mute()
    writer.close()
    closing = tree.stop().then(() => {
      // Somebody outside the tree may still hold the other ends.
      stdout.cancel()
      stderr.cancel()
    })
    events.onClose(error)
    held[Symbol.dispose]()
  }

  async function lost(otherwise: string): Promise<void> {
    const exit = await Promise.race([tree.exited, runtime.sleep(SETTLE)])
    await Promise.race([Promise.all([stdout.ended, stderr.ended]), runtime.sleep(exit ? SETTLE : 0)])
    finish(new ServerLostError(exit ? howItEnded(exit) : otherwise, stderr.tail(LAST_WORDS)))
  }

  void tree.exited.then(() => lost(''))
  void stdout.ended.then(() => lost('it closed its output'))

  return {
    pid: tree.pid,
    streamsPerCall: false,
    send(message, callId) {
      if (closed) throw new UndeliveredError('upstream.unavailable', 'its process has ended')
      if (callId !== null) {
        stdout.expectAnswer()
        open++
      }
      return writer.send(message, open <= 1)
    },
    abandon: () => undefined,
    negotiated: () => undefined,
    async close() {
      finish(null)
      await closing
    },
  }
}
