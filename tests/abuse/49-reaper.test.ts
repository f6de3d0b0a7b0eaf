import { expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemRuntime } from '../../gateway/runtime'
import { createProcessTable } from '../../gateway/process/process-table'
import { sweepTrees } from '../../gateway/process/tree-ledger'
import { isAlive, newNap, processesWithArgument, waitUntil } from '../support/processes'

interface Helper {
  child: ReturnType<typeof start>
  dataDir: string
  nap: string
  reaper: number
  trees: number[]
}

function start(dataDir: string, nap: string, args: string[]) {
  return Bun.spawn({
    cmd: [process.execPath, resolve(import.meta.dir, '../support/tree-helper.ts'), dataDir, ...args],
    env: { ...process.env, TEST_NAP: nap },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
}

async function startHelper(count: number, ...args: string[]): Promise<Helper> {
  const dataDir = mkdtempSync(join(tmpdir(), 'mux-reaper-'))
  const nap = newNap()
  const child = start(dataDir, nap, [String(count), ...args])
  const { value } = await child.stdout.getReader().read()
  return {
    child,
    dataDir,
    nap,
    ...(JSON.parse(new TextDecoder().decode(value)) as { reaper: number; trees: number[] }),
  }
}

const sweep = (dataDir: string) =>
  sweepTrees({ dataDir, processes: createProcessTable(process.platform), runtime: systemRuntime })

test('[threat.49] after kill -9 of the gateway nothing of twenty stubborn trees is left, nor the reaper', async () => {
  const { child, nap, reaper, trees } = await startHelper(20)
  expect(trees.every(isAlive)).toBe(true)
  await waitUntil('all trees are up', () => processesWithArgument(nap).length === 100)
  child.kill('SIGKILL')
  await waitUntil('every process is gone', () => processesWithArgument(nap).length === 0, 50_000)
  await waitUntil('the reaper is gone', () => !isAlive(reaper), 50_000)
}, 120_000)

test('[threat.49] the reaper is a shell in a session of its own, deaf to what ends the gateway', async () => {
  const { child, nap, reaper } = await startHelper(1)
  expect(readFileSync(`/proc/${reaper}/cmdline`, 'latin1')).toStartWith('/bin/sh\0')
  expect(readFileSync(`/proc/${reaper}/environ`, 'latin1')).not.toContain('_MUX_TREE')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(reaper, signal)
  await Bun.sleep(100)
  expect(isAlive(reaper)).toBe(true)
  child.kill('SIGKILL')
  await waitUntil(
    'every process is gone',
    () => processesWithArgument(nap).length === 0 && !isAlive(reaper),
    50_000,
  )
}, 120_000)

test('[threat.49] an orderly end leaves no process, no reaper and no list', async () => {
  const { child, nap, reaper, dataDir } = await startHelper(2)
  const list = join(dataDir, 'processes.json')
  expect(statSync(list).mode & 0o777).toBe(0o600)
  await child.stdin.end()
  expect(await child.exited).toBe(0)
  expect(processesWithArgument(nap)).toEqual([])
  await waitUntil('the reaper is gone', () => !isAlive(reaper))
  expect(existsSync(list)).toBe(false)
}, 120_000)

test('[threat.49] gateway and reaper both killed: the next start sweeps up, and touches nothing else', async () => {
  const { child, nap, reaper, dataDir } = await startHelper(3)
  await waitUntil('all trees are up', () => processesWithArgument(nap).length === 15)
  process.kill(reaper, 'SIGKILL')
  child.kill('SIGKILL')
  await child.exited
  expect(processesWithArgument(nap).length).toBe(15)

  const bystander = Bun.spawn(['/bin/sleep', nap], { env: {} })
  expect(await sweep(dataDir)).toBeGreaterThanOrEqual(15)
  expect(processesWithArgument(nap)).toEqual([bystander.pid])
  expect(await sweep(dataDir)).toBe(0)
  bystander.kill('SIGKILL')
}, 120_000)

test('[threat.49] a process that got the number of an old one is not touched', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mux-sweep-'))
  const runMark = 'ab'.repeat(16)
  const table = createProcessTable(process.platform)
  const cases = [
    // Same number and start time, but not our mark; our kind of mark, but of another run; our mark under another start time.
    { env: {}, startTime: (pid: number) => table.startTime(pid), mark: `${runMark}-01` },
    {
      env: { _MUX_TREE: `${'cd'.repeat(16)}-01` },
      startTime: (pid: number) => table.startTime(pid),
      mark: `${runMark}-01`,
    },
    { env: {}, startTime: () => '1', mark: `${runMark}-01` },
  ]
  for (const { env, startTime, mark } of cases) {
    const bystander = Bun.spawn(['/bin/sleep', '1000'], { env })
    const trees = [{ pid: bystander.pid, startTime: startTime(bystander.pid), mark }]
    writeFileSync(join(dataDir, 'processes.json'), JSON.stringify({ runMark, trees }))
    expect(await sweep(dataDir)).toBe(0)
    expect(isAlive(bystander.pid)).toBe(true)
    bystander.kill('SIGKILL')
  }
})

test('[threat.49] a damaged list sweeps nothing and is no reason to fail', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mux-sweep-'))
  const damaged = [
    '',
    '{',
    '[]',
    '{"runMark":"","trees":[]}',
    '{"runMark":5,"trees":5}',
    `{"runMark":"${'a'.repeat(32)}","trees":[1,null,{"pid":1}]}`,
  ]
  for (const text of damaged) {
    writeFileSync(join(dataDir, 'processes.json'), text)
    expect(await sweep(dataDir)).toBe(0)
    expect(existsSync(join(dataDir, 'processes.json'))).toBe(false)
  }
})

test('[threat.49] a reaper that is killed is started anew and knows the trees', async () => {
  const { child, nap, reaper } = await startHelper(2, 'orphans')
  process.kill(reaper, 'SIGKILL')
  const reapers = () =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1')
      .trim()
      .split(' ')
      .map(Number)
      .filter((pid) => isAlive(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('trees='))
  await waitUntil('a new reaper', () => reapers().some((pid) => pid !== reaper))
  child.kill('SIGKILL')
  await waitUntil('every process is gone', () => processesWithArgument(nap).length === 0, 50_000)
}, 120_000)
