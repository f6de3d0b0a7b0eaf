import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolEnvironment } from './toolchain.mjs'

/** A home nobody lives in: no test reads or writes the developer's own data. */
export function emptyHome() {
  const home = mkdtempSync(join(tmpdir(), 'mux-'))
  const [runtime, temp] = [join(home, 'run'), join(home, 'tmp')]
  for (const folder of [runtime, temp]) mkdirSync(folder, { mode: 0o700 })
  const environment = toolEnvironment({ HOME: home, XDG_RUNTIME_DIR: runtime, TMPDIR: temp, NO_COLOR: '1' })
  for (const name of [
    'MCPMUX_HOME',
    'MCPMUX_KEY',
    'XDG_DATA_HOME',
    'XDG_CONFIG_HOME',
    'XDG_STATE_HOME',
    'XDG_CACHE_HOME',
  ])
    delete environment[name]
  return { home, environment, remove: () => rmSync(home, { recursive: true, force: true }) }
}
