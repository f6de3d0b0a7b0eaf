import type { Config } from '../config'
import type { Server } from '../domain/server'
import type { ReadSetting } from '../domain/settings'
import type { GatewayError } from '../errors'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import type { ServerValues } from '../secrets/server-values'
import type { Authorization } from './authorization'
import type { Channel, ChannelEvents } from './channel'
import { checkPaths } from './given-paths'
import { openStreamableHttp } from './http-channel'
import { serverFolder } from './server-folder'
import { openSse } from './sse-channel'
import { openStdio, type StdioDeps } from './stdio-channel'

/** Opens the leg a server's definition asks for, with its inputs filled in. */
export function createOpenChannel(deps: {
  config: Pick<Config, 'dataDir' | 'platform'>
  settings: ReadSetting
  runtime: Runtime
  safeFetch: SafeFetch
  redactor: Redactor
  stdio: Pick<StdioDeps, 'trees' | 'environment'>
  /** What gives a remote server's requests their tokens; null where there is no sign-in. */
  authorizationOf(server: Server): Authorization | null
  /** Told of every process that was started. */
  spawned?: (server: Server, pid: number) => void
}) {
  const { config, settings, runtime, safeFetch, redactor, stdio } = deps
  return async (server: Server, values: ServerValues, events: ChannelEvents): Promise<Channel> => {
    const { id, definition } = server
    await checkPaths(values.paths, runtime)
    const limits = {
      maxMessageBytes: settings('limits.message_bytes'),
      maxQueuedBytes: settings('limits.send_queue_bytes'),
      connectTimeout: settings('timeouts.connect'),
    }
    if (definition.type === 'stdio') {
      const { command, cwd } = definition
      const { args, named: env, secrets } = values
      const ownFolder = serverFolder(config.dataDir, id)
      const options = { command, args, cwd, env, secrets, ownFolder, limits, events }
      const channel = await openStdio(options, { ...stdio, runtime, redactor, platform: config.platform })
      deps.spawned?.(server, channel.pid)
      return channel
    }
    const held = redactor.hold(values.secrets)
    const options = {
      url: definition.url,
      headers: values.named,
      limits,
      events: {
        ...events,
        onClose(error: GatewayError | null) {
          events.onClose(error)
          held[Symbol.dispose]()
        },
      },
      safeFetch,
      runtime,
      authorization: deps.authorizationOf(server),
    }
    try {
      return definition.type === 'sse' ? await openSse(options) : openStreamableHttp(options)
    } catch (error) {
      held[Symbol.dispose]()
      throw error
    }
  }
}
