// A gateway that is killed while it is written to, over process trees that refuse to end, again and again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlOf, type Control } from './control'
import { repository, startDaemon } from './daemon'
import { newNap, processesWithArgument, waitUntil } from './processes'

interface Named {
  id: string
  name: string
}

export interface KillNine {
  /** Writes that were acknowledged, over all cycles. */
  acknowledged: number
  /** Acknowledged, and not there at the next start; or there, and never asked for. One line for each. */
  wrong: string[]
  /** Processes of all trees planted. */
  planted: number
  /** Longest time in milliseconds from the kill until the last process of a tree was gone. */
  slowestEnd: number
}

/**
 * `cycles` times: starts the compiled gateway on one data folder, plants `trees` trees in every cycle `plants` names,
 * writes until it is killed with -9, and looks what is there. Fails when processes of a tree are left after `patience`.
 */
export async function killNine(options: {
  cycles: number
  trees: number
  plants: (cycle: number) => boolean
  patience: number
}): Promise<KillNine> {
  const home = mkdtempSync(join(tmpdir(), 'mux-kill-'))
  const dataDir = join(home, 'data')
  const known = new Map<string, string>()
  const doubtful = new Set<string>()
  const found: KillNine = { acknowledged: 0, wrong: [], planted: 0, slowestEnd: 0 }
  try {
    // One start more than there are kills, to see what the last one left.
    for (let cycle = 0; cycle <= options.cycles; cycle++) {
      const daemon = await startDaemon({ dataDir, home })
      const control = controlOf(daemon)
      const there = new Set((await control.get<Named[]>('/spaces')).map((space) => space.name))
      for (const name of known.keys())
        if (!there.has(name)) found.wrong.push(`cycle ${cycle}: ${name} is lost`)
      for (const name of there)
        if (name !== 'Default' && !known.has(name) && !doubtful.has(name))
          found.wrong.push(`cycle ${cycle}: ${name} came back`)
      if (cycle === options.cycles) {
        await daemon[Symbol.asyncDispose]()
        break
      }
      const nap = options.plants(cycle) ? newNap() : null
      if (nap) found.planted += await plantTrees(control, nap, options.trees)
      const writes = { acknowledged: 0 }
      const writing = write(control, `c${cycle}`, known, doubtful, writes)
      // Each at another moment of a write, and none before the first was acknowledged.
      await waitUntil('writes are acknowledged', () => writes.acknowledged > cycle % 8, options.patience)
      await Bun.sleep((cycle * 37) % 20)
      daemon.kill('SIGKILL')
      const killed = performance.now()
      await Promise.all([daemon.exited, writing])
      found.acknowledged += writes.acknowledged
      if (!nap) continue
      const gone = () => processesWithArgument(nap).length === 0
      await waitUntil('no process of any tree is left', gone, options.patience)
      found.slowestEnd = Math.max(found.slowestEnd, performance.now() - killed)
    }
    return found
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Creates and removes Spaces until the daemon is gone; keeps what was acknowledged in step, and counts it. */
async function write(
  control: Control,
  prefix: string,
  known: Map<string, string>,
  doubtful: Set<string>,
  writes: { acknowledged: number },
): Promise<void> {
  try {
    for (let n = 0; ; n++) {
      const name = `${prefix}-${n}`
      doubtful.add(name)
      const { id } = await control.send<Named>('POST', '/spaces', { name })
      writes.acknowledged += 1
      known.set(name, id)
      doubtful.delete(name)
      const [oldest] = known
      if (known.size < 12 || !oldest) continue
      known.delete(oldest[0])
      doubtful.add(oldest[0])
      await control.send('DELETE', `/spaces/${oldest[1]}`)
      writes.acknowledged += 1
      doubtful.delete(oldest[0])
    }
  } catch {
    // Killed in the middle: whatever was under way may or may not be there, and is allowed both.
  }
}

/** Adds servers whose trees refuse to end; resolves with how many processes stand. */
async function plantTrees(control: Control, nap: string, trees: number): Promise<number> {
  await control.send('PUT', '/settings/limits.parallel_starts', { value: 64 })
  const [space] = await control.get<Named[]>('/spaces')
  const definition = {
    type: 'stdio',
    command: '/bin/sh',
    args: [join(repository, 'tests/servers/stubborn-tree.sh')],
    env: { TEST_NAP: nap },
    cwd: null,
  }
  for (let n = 0; n < trees; n++) {
    const consent = { givenBy: 'cli' }
    const body = {
      spaceId: space?.id,
      name: `tree-${nap}-${n}`,
      definition,
      inputs: [],
      source: 'cli',
      consent,
    }
    const { id } = await control.send<Named>('POST', '/servers', body)
    control.send('POST', `/servers/${id}/connect`, {}).catch(() => undefined)
  }
  // Each has five processes with the nap among their arguments.
  let standing = 0
  const stand = () => (standing = processesWithArgument(nap).length) >= trees * 5
  await waitUntil(`${trees} trees stand`, stand, 120_000)
  return standing
}
