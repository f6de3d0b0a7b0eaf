import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StdioDefinition } from '../../gateway/domain/server'
import { type Runtime, systemRuntime } from '../../gateway/runtime'
import { openStores as open } from '../../gateway/store/stores'

/** A folder that is gone after the test. */
export function tempFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'mcpmux-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Every store over one database file. */
export function openStores(file: string, runtime: Runtime = systemRuntime) {
  const stores = open(file, runtime)
  return {
    ...stores,
    [Symbol.dispose]: () => stores.db.close(),
  }
}

/** Stores in a data folder of their own, both gone after the test. */
export function tempStores(runtime: Runtime = systemRuntime) {
  const folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  const stores = openStores(file, runtime)
  return {
    ...stores,
    file,
    folder: folder.path,
    [Symbol.dispose]: () => {
      stores.db.close()
      folder[Symbol.dispose]()
    },
  }
}

/** A clock that only moves when told. */
export function manualClock(start = 1_000_000): Runtime & { advance(ms: number): void } {
  let now = start
  return { ...systemRuntime, now: () => now, advance: (ms) => (now += ms) }
}

export const stdioDefinition = (patch: Partial<StdioDefinition> = {}): StdioDefinition => ({
  type: 'stdio',
  command: 'node',
  args: ['server.js', 'stdio'],
  env: { LEVEL: 'debug', TOKEN: '${input:TOKEN}' },
  cwd: null,
  ...patch,
})
