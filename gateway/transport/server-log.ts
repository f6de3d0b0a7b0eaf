import { createRate } from '../domain/rate'
import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import type { ChannelEvents } from './channel'

const LONGEST_LINE = 8 * 1024
/** Lines of a PEM block that are kept back when its end does not come. */
const LONGEST_PEM = 200

/** One server's log lines: cleaned, cut, rate-limited. */
export interface ServerLog {
  /** Whether a line would be written now; asked before the work of making one. Counts the line as left out if not. */
  room(): boolean
  /** Writes a line for which there was room. */
  write(source: Parameters<ChannelEvents['onLog']>[0], text: string): void
  /** `room` and `write` in one. */
  line(source: Parameters<ChannelEvents['onLog']>[0], text: string): void
  /** Says how many lines were left out since the last one that was written. */
  end(): void
  /** Removes control characters, escape sequences and secrets. To be given whole lines. */
  clean(text: string): string
}

// ECMA-48 control sequences (colours, cursor), then every other control character but the tab.
const controlSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g

export function createServerLog(options: {
  onLog: ChannelEvents['onLog']
  redact: Redactor['redact']
  runtime: Pick<Runtime, 'monotonic'>
}): ServerLog {
  const { onLog, redact, runtime } = options
  const rate = createRate({ burst: 200, perSecond: 20, runtime })
  let leftOut = 0
  let pemLines = 0

  const clean = (text: string): string =>
    redact(text.replaceAll(controlSequences, '').replaceAll(controls, ' '))

  /** A key in PEM comes line by line, and its middle looks like nothing. */
  function withoutPem(text: string): string {
    const begins = text.lastIndexOf('-----BEGIN ')
    const ends = text.lastIndexOf('-----END ')
    const inside = pemLines > 0 && pemLines < LONGEST_PEM && /^[\w+/=:;, -]*$/.test(text)
    if (begins > ends) pemLines = 1
    else pemLines = inside && ends < 0 ? pemLines + 1 : 0
    return inside && begins < 0 && ends < 0 ? '[secret]' : text
  }

  function tellLeftOut(): void {
    if (leftOut > 0) onLog('Transport', `${leftOut} lines left out: too many at once`)
    leftOut = 0
  }

  const log: ServerLog = {
    clean,
    end: tellLeftOut,
    room() {
      if (rate.take()) return true
      leftOut++
      return false
    },
    write(source, text) {
      tellLeftOut()
      const cleaned = clean(withoutPem(text))
      onLog(source, cleaned.length > LONGEST_LINE ? `${cleaned.slice(0, LONGEST_LINE - 1)}…` : cleaned)
    },
    line(source, text) {
      if (log.room()) log.write(source, text)
    },
  }
  return log
}
