import { readlinkSync } from 'node:fs'

function linuxExecutable(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return null
  }
}

function psExecutable(pid: number): string | null {
  const { success, stdout } = Bun.spawnSync(['/bin/ps', '-o', 'comm=', '-p', String(pid)], { env: {} })
  const text = stdout.toString().trim()
  return success && text !== '' ? text : null
}

/** Reads which program a process of this user runs; null when it is gone. */
export const executableReader = (platform: NodeJS.Platform): ((pid: number) => string | null) =>
  platform === 'linux' ? linuxExecutable : psExecutable
