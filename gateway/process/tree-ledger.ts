import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Runtime } from '../runtime'
import { type ProcessRow, type ProcessTable, treeMembers } from './process-table'
import type { TreeRecord, TreeWatch } from './process-tree'
import { sendSignal } from './tree-end'

// The last defence against leftovers: when gateway and reaper were both killed, the next start reads this file.
const fileOf = (dataDir: string): string => join(dataDir, 'processes.json')

interface Ledger {
  runMark: string
  trees: TreeRecord[]
}

/**
 * Keeps `processes.json` (mode 0600) in step with the live trees. Failing to write it is reported, not thrown: a full
 * disk must not stop servers.
 */
export function createTreeLedger(deps: {
  dataDir: string
  runMark: string
  onError(error: unknown): void
}): TreeWatch & { /** Removes the file, as at a normal end. */ close(): void } {
  const file = fileOf(deps.dataDir)
  const live = new Map<string, TreeRecord>()
  function write(): void {
    try {
      mkdirSync(deps.dataDir, { recursive: true, mode: 0o700 })
      const ledger: Ledger = { runMark: deps.runMark, trees: [...live.values()] }
      writeFileSync(`${file}.new`, JSON.stringify(ledger), { mode: 0o600 })
      chmodSync(`${file}.new`, 0o600)
      renameSync(`${file}.new`, file)
    } catch (error) {
      deps.onError(error)
    }
  }
  return {
    started(tree) {
      live.set(tree.mark, tree)
      write()
    },
    ended(tree) {
      live.delete(tree.mark)
      write()
    },
    close() {
      if (live.size === 0) rmSync(file, { force: true })
    },
  }
}

function readLedger(dataDir: string): Ledger | null {
  try {
    const ledger: unknown = JSON.parse(readFileSync(fileOf(dataDir), 'utf8'))
    if (typeof ledger !== 'object' || ledger === null) return null
    if (!('runMark' in ledger) || !('trees' in ledger) || !Array.isArray(ledger.trees)) return null
    const { runMark } = ledger
    if (typeof runMark !== 'string' || !/^[0-9a-f]{32}$/.test(runMark)) return null
    const trees: TreeRecord[] = []
    for (const tree of ledger.trees as unknown[])
      if (
        typeof tree === 'object' &&
        tree !== null &&
        'pid' in tree &&
        'startTime' in tree &&
        'mark' in tree
      ) {
        const { pid, startTime, mark } = tree
        if (typeof pid === 'number' && pid > 1 && typeof startTime === 'string' && typeof mark === 'string')
          trees.push({ pid, startTime, mark })
      }
    return { runMark, trees }
  } catch {
    return null
  }
}

/**
 * Processes of an earlier run: a listed leader only with its own start time and mark, others by the mark, by descent,
 * or because an earlier look knew them.
 */
function leftovers(rows: readonly ProcessRow[], ledger: Ledger, known: Map<number, string>): ProcessRow[] {
  const found = new Map<number, ProcessRow>()
  const add = (members: ProcessRow[]) => {
    for (const row of members) found.set(row.pid, row)
  }
  for (const { pid, startTime, mark } of ledger.trees)
    if (rows.some((row) => row.pid === pid && row.startTime === startTime && row.mark === mark))
      add(treeMembers(rows, pid, mark))
  for (const row of rows)
    if (row.mark?.startsWith(`${ledger.runMark}-`)) add(treeMembers(rows, null, row.mark))
  for (const row of rows) if (known.get(row.pid) === row.startTime) found.set(row.pid, row)
  for (const row of found.values()) known.set(row.pid, row.startTime)
  return [...found.values()]
}

/**
 * Ends what an earlier run left behind: TERM, after a second KILL. To be called once, by the one gateway that holds
 * the data folder, before it starts servers. A process that merely got the number of an old one is never touched.
 * Resolves with the number of processes found.
 */
export async function sweepTrees(deps: {
  dataDir: string
  processes: ProcessTable
  runtime: Pick<Runtime, 'sleep'>
}): Promise<number> {
  const ledger = readLedger(deps.dataDir)
  const known = new Map<number, string>()
  let found = 0
  for (let turn = 0; ledger && turn < 15; turn++) {
    const rows = leftovers(await deps.processes.read(), ledger, known)
    found = Math.max(found, rows.length)
    if (rows.length === 0) break
    if (turn === 0) for (const row of rows) sendSignal(row.pid, 'SIGTERM')
    if (turn >= 10) for (const row of rows) sendSignal(row.pid, 'SIGKILL')
    await deps.runtime.sleep(100)
  }
  rmSync(fileOf(deps.dataDir), { force: true })
  return found
}
