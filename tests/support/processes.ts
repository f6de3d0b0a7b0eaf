// What the process table says, read without any code of the gateway.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Environment variable the tests put on trees of their own. */
export const TOKEN = 'TEST_TREE_TOKEN'

export const newToken = (): string => crypto.randomUUID()

function processesWhere(file: string, text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/${file}`, 'latin1').includes(text)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Live processes (no zombies) whose environment holds the token. */
export const processesWith = (token: string): number[] => processesWhere('environ', `${TOKEN}=${token}`)

/** Live processes whose command line has this argument. */
export const processesWithArgument = (argument: string): number[] =>
  processesWhere('cmdline', `\0${argument}\0`)

/** A duration in seconds that no other test uses, for `TEST_NAP` of stubborn-tree.sh. */
export const newNap = (): string => String(100_000 + Math.floor(Math.random() * 900_000))

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

/** Polls; throws with `what` when the condition does not come true in time. */
export async function waitUntil(what: string, condition: () => boolean, timeout = 60_000): Promise<void> {
  for (const until = performance.now() + timeout; !condition(); await Bun.sleep(10))
    if (performance.now() > until) throw new Error(`never came true: ${what}`)
}

/** Memory a process holds, 0 when it is gone. */
export function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Every process that descends from this one now. */
export function descendantsOf(pid: number): number[] {
  const found = [pid]
  for (const parent of found)
    try {
      const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim()
      if (children) found.push(...children.split(' ').map(Number))
    } catch {
      // It ended meanwhile.
    }
  return found.slice(1)
}

/** TCP ports a process listens on; needs the right to look into it. */
export function listeningPorts(pid: number): number[] {
  const held = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return ''
      }
    }),
  )
  const ports = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && held.has(`socket:[${fields[9]}]`))
      .map((fields) => parseInt(fields[1]?.split(':')[1] ?? '', 16)),
  )
  return [...new Set(ports)].sort((a, b) => a - b)
}
