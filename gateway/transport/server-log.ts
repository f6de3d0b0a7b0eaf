import type { Runtime } from '../runtime'
import type { ChannelEvents } from './channel'
import { createRate } from './rate'

const LONGEST_LINE = 8 * 1024
const SHORTEST_HIDDEN = 4

/** One server's log lines: cleaned, cut, rate-limited. */
export interface ServerLog {
  /** Whether a line would be written now; asked before the work of making one. Counts the line as left out if not. */
  room(): boolean
  /** Writes a line for which there was room. */
  write(source: Parameters<ChannelEvents['onLog']>[0], text: string): void
  /** `room` and `write` in one. */
  line(source: Parameters<ChannelEvents['onLog']>[0], text: string): void
  /** Removes control characters, escape sequences and the server's own secrets. */
  clean(text: string): string
}

// ECMA-48 control sequences (colours, cursor), then every other control character but the tab.
const controlSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g

export function createServerLog(options: {
  onLog: ChannelEvents['onLog']
  /** Values that must not be seen, as given to the server. */
  secrets: readonly string[]
  runtime: Pick<Runtime, 'monotonic'>
}): ServerLog {
  const { onLog, runtime } = options
  const secrets = options.secrets.filter((value) => value.length >= SHORTEST_HIDDEN)
  const rate = createRate({ burst: 200, perSecond: 20, runtime })
  let leftOut = 0

  function clean(text: string): string {
    let cleaned = text.replaceAll(controlSequences, '').replaceAll(controls, ' ')
    for (const secret of secrets) cleaned = cleaned.replaceAll(secret, '[secret]')
    return cleaned
  }

  const log: ServerLog = {
    clean,
    room() {
      if (rate.take()) return true
      leftOut++
      return false
    },
    write(source, text) {
      if (leftOut > 0) onLog('Transport', `${leftOut} lines left out: too many at once`)
      leftOut = 0
      const cleaned = clean(text)
      onLog(source, cleaned.length > LONGEST_LINE ? `${cleaned.slice(0, LONGEST_LINE - 1)}…` : cleaned)
    },
    line(source, text) {
      if (log.room()) log.write(source, text)
    },
  }
  return log
}
