import type { ChannelEvents } from './channel'

/** Lines about one connection's mistakes that are written down; a hostile server must not fill its log with them. */
const LIMIT = 50

/** A log for what a server does wrong: the first fifty lines of a connection, then one that says so. */
export function createStrayLog(log: ChannelEvents['onLog']): (line: string) => void {
  let lines = 0
  return (line) => {
    lines++
    if (lines <= LIMIT) log('Transport', line)
    else if (lines === LIMIT + 1) log('Transport', 'more of the same is no longer logged for this connection')
  }
}
