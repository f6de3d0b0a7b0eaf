import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const LISTENING = '0A'

function inodesOf(port: number): Set<string> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n')) {
      const fields = line.trim().split(/\s+/)
      if (fields[1]?.endsWith(wanted) && fields[3] === LISTENING && fields[9])
        inodes.add(`socket:[${fields[9]}]`)
    }
  }
  return inodes
}

function holds(pid: string, inodes: Set<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`))
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

const textOf = (pid: string, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** A daemon of this user: it lets nobody but root see what it holds, so that its command line has to do. */
const isDaemon = (pid: string): boolean =>
  Number(pid) !== process.pid &&
  textOf(pid, 'cmdline').split('\0').includes('serve') &&
  new RegExp(`^Uid:\\t${process.getuid?.()}\\t`, 'm').test(textOf(pid, 'status'))

/**
 * Who listens on a TCP port, as `name (pid N)`; null when it cannot be found out: another user's process, or a system
 * without /proc.
 */
export function portOwner(port: number): string | null {
  try {
    const inodes = inodesOf(port)
    const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
    const name = (pid: string) => textOf(pid, 'comm').trim()
    const holder = pids.find((pid) => holds(pid, inodes))
    if (holder) return `${name(holder)} (pid ${holder})`
    const daemon = pids.find(isDaemon)
    return daemon ? `${name(daemon)}, as it seems (pid ${daemon})` : null
  } catch {
    return null
  }
}
