// 200 times kill -9 of the compiled gateway under writes, five of them over 20 stubborn process trees.
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlOf, type Control } from '../support/control'
import { repository, startDaemon } from '../support/daemon'
import { newNap, processesWithArgument, waitUntil } from '../support/processes'

interface Named {
  id: string
  name: string
}

const CYCLES = 200
const TREE_CYCLES = new Set([39, 79, 119, 159, 199])

/** Creates and removes Spaces until the daemon is gone; keeps what was acknowledged in step. */
async function write(control: Control, prefix: string, known: Map<string, string>, doubtful: Set<string>) {
  try {
    for (let n = 0; ; n++) {
      const name = `${prefix}-${n}`
      doubtful.add(name)
      const { id } = await control.send<Named>('POST', '/spaces', { name })
      known.set(name, id)
      doubtful.delete(name)
      const [oldest] = known
      if (known.size < 12 || !oldest) continue
      known.delete(oldest[0])
      doubtful.add(oldest[0])
      await control.send('DELETE', `/spaces/${oldest[1]}`)
      doubtful.delete(oldest[0])
    }
  } catch {
    // Killed in the middle: whatever was under way may or may not be there, and is allowed both.
  }
}

async function plantTrees(control: Control, nap: string): Promise<void> {
  await control.send('PUT', '/settings/limits.parallel_starts', { value: 64 })
  const { id: spaceId } = (await control.get<Named[]>('/spaces'))[0] as Named
  const definition = {
    type: 'stdio',
    command: '/bin/sh',
    args: [join(repository, 'tests/servers/stubborn-tree.sh')],
    env: { TEST_NAP: nap },
    cwd: null,
  }
  for (let n = 0; n < 20; n++) {
    const body = {
      spaceId,
      name: `tree-${nap}-${n}`,
      definition,
      inputs: [],
      source: 'cli',
      consent: { givenBy: 'cli' },
    }
    const { id } = await control.send<Named>('POST', '/servers', body)
    control.send('POST', `/servers/${id}/connect`, {}).catch(() => undefined)
  }
  await waitUntil(
    '20 trees of 5 sleeping processes stand',
    () => processesWithArgument(nap).length >= 100,
    60_000,
  )
}

test(`[threat.59] ${CYCLES} × kill -9 under writes lose nothing that was acknowledged; [threat.49] no tree is left after 5 s`, async () => {
  const home = mkdtempSync(join(tmpdir(), 'mux-kill-'))
  const dataDir = join(home, 'data')
  const known = new Map<string, string>()
  const doubtful = new Set<string>()
  let acknowledged = 0
  try {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const daemon = await startDaemon({ dataDir, home })
      const control = controlOf(daemon)
      const there = new Set((await control.get<Named[]>('/spaces')).map((space) => space.name))
      const lost = [...known.keys()].filter((name) => !there.has(name))
      const extra = [...there].filter((name) => name !== 'Default' && !known.has(name) && !doubtful.has(name))
      expect({ cycle, lost, extra }).toEqual({ cycle, lost: [], extra: [] })
      const nap = TREE_CYCLES.has(cycle) ? newNap() : null
      if (nap) await plantTrees(control, nap)
      const before = known.size
      const writing = write(control, `c${cycle}`, known, doubtful)
      await Bun.sleep(10 + ((cycle * 37) % 60))
      daemon.kill('SIGKILL')
      await daemon.exited
      await writing
      acknowledged += Math.max(0, known.size - before)
      if (nap)
        await waitUntil('no process of any tree is left', () => processesWithArgument(nap).length === 0, 5000)
    }
    expect(acknowledged).toBeGreaterThan(0)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}, 300_000)
