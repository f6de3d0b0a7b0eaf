// A stand-in for the gateway that the tests kill: `TEST_NAP=… bun tree-helper.ts DATA_DIR COUNT` opens COUNT stubborn
// trees, watched by a reaper and a ledger, and prints one line of JSON when all of them are up.
import { resolve } from 'node:path'
import { systemRuntime } from '../../gateway/runtime'
import { createProcessTable } from '../../gateway/process/process-table'
import { createProcessTrees, newRunMark } from '../../gateway/process/process-tree'
import { createReaper } from '../../gateway/process/reaper'
import { createTreeLedger } from '../../gateway/process/tree-ledger'

const [dataDir = '', count = '1', ...args] = process.argv.slice(2)
const fail = (error: unknown): never => {
  throw error
}
const runMark = newRunMark(systemRuntime)
const reaper = createReaper({ runtime: systemRuntime, platform: process.platform, runMark, onError: fail })
const ledger = createTreeLedger({ dataDir, runMark, onError: fail })
const trees = createProcessTrees({
  runtime: systemRuntime,
  processes: createProcessTable(process.platform),
  runMark,
  watches: [reaper, ledger],
})
const opened = Array.from({ length: Number(count) }, () =>
  trees.spawn({
    command: '/bin/sh',
    args: [resolve(import.meta.dir, '../servers/stubborn-tree.sh'), ...args],
    env: { PATH: '/usr/bin:/bin', TEST_NAP: process.env.TEST_NAP ?? '' },
    cwd: '/',
  }),
)
for (const tree of opened) await tree.stdout.getReader().read()
process.stdout.write(`${JSON.stringify({ reaper: reaper.pid(), trees: opened.map(({ pid }) => pid) })}\n`)
process.stdin.resume()
process.stdin.on('end', () => {
  void trees
    .stopAll()
    .then(() => reaper.close())
    .then(() => ledger.close())
    .then(() => process.exit(0))
})
