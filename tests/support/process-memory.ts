// How often something lies in the memory of another process of this machine. Linux, and only for root.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const PAGE = 4096
const BLOCK = 4 * 1024 * 1024

interface Region {
  from: number
  to: number
}

/** What the process may write to and read: everything it has of its own. */
const regionsOf = (pid: number): Region[] =>
  readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      return from && to ? [{ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) }] : []
    })

/** The parts of a region that are there at all; most of what an engine reserves is not. */
function present(pagemap: number, { from, to }: Region): Region[] {
  const found: Region[] = []
  const entries = Buffer.alloc((BLOCK / PAGE) * 8)
  for (let at = from; at < to; at += BLOCK) {
    const pages = Math.min(BLOCK, to - at) / PAGE
    const got = readSync(pagemap, entries, 0, pages * 8, (at / PAGE) * 8)
    for (let page = 0; page * 8 < got; page++) {
      // Bit 63: in memory; bit 62: swapped out.
      if ((entries[page * 8 + 7] ?? 0) < 0x40) continue
      const start = at + page * PAGE
      const last = found.at(-1)
      if (last?.to === start && start - last.from < BLOCK) last.to = start + PAGE
      else found.push({ from: start, to: start + PAGE })
    }
  }
  return found
}

function occurrences(block: Buffer, needle: Uint8Array): number {
  let times = 0
  for (let at = block.indexOf(needle); at >= 0; at = block.indexOf(needle, at + 1)) times++
  return times
}

/** How often each of these lies in the memory of a process. One that lies across two parts of it is not seen. */
export function countInMemory<N extends string>(
  pid: number,
  needles: Readonly<Record<N, Uint8Array>>,
): Record<N, number> {
  const counts = Object.fromEntries(Object.keys(needles).map((name) => [name, 0])) as Record<N, number>
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r')
  try {
    for (const region of regionsOf(pid))
      for (const { from, to } of present(pagemap, region)) {
        const block = Buffer.alloc(to - from)
        let got = 0
        try {
          got = readSync(memory, block, 0, block.length, from)
        } catch {
          // It was given back meanwhile.
        }
        for (const name of Object.keys(needles) as N[])
          counts[name] += occurrences(block.subarray(0, got), needles[name])
      }
  } finally {
    closeSync(memory)
    closeSync(pagemap)
  }
  return counts
}

/** Whether this process may look into one that is closed to others: it has CAP_SYS_PTRACE. */
export function canCountInMemory(): boolean {
  if (process.platform !== 'linux') return false
  const [, effective = '0'] = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return ((BigInt(`0x${effective}`) >> 19n) & 1n) === 1n
}
