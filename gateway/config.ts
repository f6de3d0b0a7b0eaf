import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What is fixed before anything opens. The environment is read here and nowhere else. */
export interface Config {
  /** Data folder of the seed, or `MCPMUX_HOME`. */
  dataDir: string
  /** The environment servers may inherit parts of; a frozen copy. */
  environment: Readonly<Record<string, string>>
  platform: NodeJS.Platform
  tempDir: string
  /** Folder for sockets, `$XDG_RUNTIME_DIR` where there is one. */
  runtimeDir: string | null
}

const FOLDER = 'com.mcpmux.desktop'

function defaultDataDir(environment: Record<string, string>, platform: NodeJS.Platform): string {
  const home = environment.HOME ?? homedir()
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', FOLDER)
  if (platform === 'win32') return join(environment.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), FOLDER)
  return join(environment.XDG_DATA_HOME || join(home, '.local', 'share'), FOLDER)
}

/** Reads the process environment once. `dataDir` (from `--data-dir`) wins over `MCPMUX_HOME`. */
export function readConfig(dataDir?: string): Config {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value
  return {
    dataDir: dataDir ?? (environment.MCPMUX_HOME || defaultDataDir(environment, process.platform)),
    environment: Object.freeze(environment),
    platform: process.platform,
    tempDir: tmpdir(),
    runtimeDir: environment.XDG_RUNTIME_DIR || null,
  }
}

/** The environment of a whole process, for the few commands that need it (`--env K` reads K here). */
export const environmentVariable = (name: string): string | undefined => process.env[name]
