import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

/** One live process, as far as the operating system lets us see it. Zombies are left out: they only wait for their parent. */
export interface ProcessRow {
  pid: number
  ppid: number
  pgid: number
  /** When it started, in the system's own words: comparable for equality only. Together with the pid it names one process for ever. */
  startTime: string
  /** Value of the tree mark in its environment; null without one, or where the environment may not be read. */
  mark: string | null
}

/** The system's processes. */
export interface ProcessTable {
  read(): Promise<ProcessRow[]>
  /** `startTime` of one process, '' when it is gone. */
  startTime(pid: number): string
}

/** The environment variable by which every process of a server's tree is recognised, however it left its parents. */
export const TREE_MARK = '_MUX_TREE'

const markPattern = new RegExp(`(?:^|[\\0\\s])${TREE_MARK}=([0-9a-f-]+)(?=[\\0\\s]|$)`)
const markIn = (environment: string): string | null => markPattern.exec(environment)?.[1] ?? null

/** `/proc/PID/stat` (proc(5)). The name in parentheses may hold anything, so fields count from the last `)`. */
export function parseStat(pid: number, stat: string): Omit<ProcessRow, 'mark'> | null {
  const [state, ppid, pgid, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const startTime = rest[16]
  if (!state || !ppid || !pgid || !startTime || state === 'Z' || state === 'X') return null
  return { pid, ppid: Number(ppid), pgid: Number(pgid), startTime }
}

/** One line of `ps -o pid=,ppid=,pgid=,state=,lstart=,command=` with the environment behind the command. */
export function parsePsLine(line: string): ProcessRow | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\w+\s+[\d:]+\s+\d{4})\s(.*)$/.exec(line)
  if (!match) return null
  const [, pid, ppid, pgid, state = '', started = '', command = ''] = match
  if (state.startsWith('Z')) return null
  const startTime = oneWord(started)
  return { pid: Number(pid), ppid: Number(ppid), pgid: Number(pgid), startTime, mark: markIn(command) }
}

// Start times travel in space-separated lines.
const oneWord = (text: string): string => text.trim().replaceAll(/\s+/g, '_')

async function readProc(name: string): Promise<ProcessRow | null> {
  try {
    // A process that ends between the two reads is simply not there any more.
    const row = parseStat(Number(name), await readFile(`/proc/${name}/stat`, 'latin1'))
    if (!row) return null
    // Another user's environment stays closed to us, and such a process is no child of ours anyway.
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '')
    return { ...row, mark: markIn(environment) }
  } catch {
    return null
  }
}

async function readLinux(): Promise<ProcessRow[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const rows: ProcessRow[] = []
  for (let at = 0; at < names.length; at += 64)
    for (const row of await Promise.all(names.slice(at, at + 64).map(readProc))) if (row) rows.push(row)
  return rows
}

async function readPs(): Promise<ProcessRow[]> {
  const ps = Bun.spawn({
    cmd: ['/bin/ps', '-AEww', '-o', 'pid=,ppid=,pgid=,state=,lstart=,command='],
    env: { LC_ALL: 'C' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const text = await new Response(ps.stdout).text()
  return text.split('\n').flatMap((line) => parsePsLine(line) ?? [])
}

function startTimeFromProc(pid: number): string {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'latin1'))?.startTime ?? ''
  } catch {
    return ''
  }
}

const startTimeFromPs = (pid: number): string =>
  oneWord(
    Bun.spawnSync(['/bin/ps', '-o', 'lstart=', '-p', String(pid)], {
      env: { LC_ALL: 'C' },
    }).stdout.toString(),
  )

/**
 * The process table: `/proc` on Linux, `ps` on macOS. Windows has neither process groups nor readable environments;
 * there the table is empty, and only the direct child of a server can be ended.
 */
export function createProcessTable(platform: NodeJS.Platform): ProcessTable {
  if (platform === 'linux') return { read: readLinux, startTime: startTimeFromProc }
  if (platform === 'win32') return { read: async () => [], startTime: () => '' }
  return { read: readPs, startTime: startTimeFromPs }
}

/**
 * All rows that belong to the tree of `rootPid`: those in its group, those that carry its mark, and everything that
 * descends from any of these.
 */
export function treeMembers(rows: readonly ProcessRow[], rootPid: number | null, mark: string): ProcessRow[] {
  const members = new Map<number, ProcessRow>()
  for (const row of rows)
    if (row.mark === mark || (rootPid !== null && (row.pid === rootPid || row.pgid === rootPid)))
      members.set(row.pid, row)
  for (let before = -1; before !== members.size; ) {
    before = members.size
    for (const row of rows) if (members.has(row.ppid)) members.set(row.pid, row)
  }
  return [...members.values()]
}
