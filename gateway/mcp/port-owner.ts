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

/**
 * Who listens on a TCP port, as `name (pid N)`; null when it cannot be found out: another user's process, or a
 * system without /proc.
 */
export function portOwner(port: number): string | null {
  try {
    const inodes = inodesOf(port)
    const pid = readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && holds(entry, inodes))
    return pid ? `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})` : null
  } catch {
    return null
  }
}
