// Servers that lie about their lists: each costs only itself, and only what is bad.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon, type Daemon } from '../support/daemon'
import { openCaller, scripted, type Caller } from '../support/scripted'

let daemon: Daemon
let caller: Caller

beforeAll(async () => {
  daemon = await startDaemon()
  await daemon.ok('config', 'set', 'limits.list_pages', '7')
  await daemon.ok('add', 'neighbour', '--yes', '--', ...scripted('plain'))
  caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'tester')).trim())
})
afterAll(() => daemon[Symbol.asyncDispose]())

async function toolsOf(mode: string, ...rest: string[]): Promise<string[]> {
  await daemon.cli('add', mode, '--yes', '--', ...scripted(mode, ...rest))
  const names = await caller.names()
  expect(names).toContain('neighbour_echo')
  return names.filter((name) => name.startsWith(`${mode}_`)).map((name) => name.slice(mode.length + 1))
}

test('[threat.47] a server that repeats its cursors is read once around', async () => {
  expect(await toolsOf('cursor-loop')).toEqual(['t-first', 't-a', 't-b'])
})

test('[threat.47] endless pages stop at the cap', async () => {
  expect(await toolsOf('endless-pages')).toHaveLength(7)
})

test('[threat.47] of ten thousand tools the first two thousand are kept', async () => {
  expect(await toolsOf('ten-thousand')).toHaveLength(2000)
})

test('[threat.47] bad entries are left out, good ones of the same list stay', async () => {
  expect(await toolsOf('bad-entries')).toEqual(['good', 'also-good'])
})

test('[threat.47] definitions that are too deep or too large are left out', async () => {
  expect(await toolsOf('bombs')).toEqual(['good'])
})

test('[threat.47] a list that is no list leaves the server without tools', async () => {
  expect(await toolsOf('not-a-list')).toEqual([])
})

test('[catalog.offline] only what a server advertises is asked for', async () => {
  const log = join(daemon.home, 'asked.log')
  await toolsOf('only-prompts', log)
  const asked = readFileSync(log, 'utf8')
  expect(asked).toContain('prompts/list')
  expect(asked).not.toContain('tools/list')
  expect(asked).not.toContain('resources/list')
})

test('[faults] a server that never answers its list does not delay the list of the others', async () => {
  void daemon.cli('add', 'list-hangs', '--yes', '--', ...scripted('list-hangs'))
  void daemon.cli('add', 'hangs-at-start', '--yes', '--', ...scripted('hangs-at-start'))
  await Bun.sleep(500)
  expect(await caller.names()).toContain('neighbour_echo')
})
