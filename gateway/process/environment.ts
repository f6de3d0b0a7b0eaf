/** What a server's process gets to see of the environment. */
export interface ServerEnvironment {
  /**
   * The complete environment for one start: the allow-list, `PATH` widened by that of the login shell, and the
   * variables the server declares, which win. The first call may take as long as the login shell is given.
   */
  forServer(declared: Readonly<Record<string, string>>): Promise<Record<string, string>>
}

// Everything else stays out: keys and tokens, MCPMUX_*, and what loads code into a process (BUN_*, NODE_OPTIONS,
// LD_*, DYLD_*, PYTHON*). A server that needs such a variable declares it, and the consent shows it.
const posixNames = new Set(
  (
    'HOME USER LOGNAME SHELL PATH TERM LANG LANGUAGE TZ TMPDIR TMP TEMP XDG_CONFIG_HOME XDG_DATA_HOME ' +
    'XDG_STATE_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR DISPLAY WAYLAND_DISPLAY XAUTHORITY'
  ).split(' '),
)
const windowsNames = new Set(
  (
    'APPDATA COMSPEC HOMEDRIVE HOMEPATH LANG LOCALAPPDATA NUMBER_OF_PROCESSORS OS PATH PATHEXT ' +
    'PROCESSOR_ARCHITECTURE PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) SYSTEMDRIVE SYSTEMROOT TEMP TMP ' +
    'USERNAME USERPROFILE WINDIR'
  ).split(' '),
)

const inherits = (name: string, platform: NodeJS.Platform): boolean =>
  platform === 'win32' ? windowsNames.has(name.toUpperCase()) : posixNames.has(name) || name.startsWith('LC_')

/** The part of the gateway's environment that servers (and the login shell) inherit. */
export function inheritedEnvironment(
  environment: Readonly<Record<string, string>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const inherited: Record<string, string> = {}
  // Bash passes functions this way; they are code, not values.
  for (const [name, value] of Object.entries(environment))
    if (inherits(name, platform) && !value.startsWith('()')) inherited[name] = value
  return inherited
}

/** Folders of the login shell first, then those of the gateway's own PATH that it does not name. */
function mergePath(login: string | null, own: string | undefined, separator: string): string {
  const folders = [...(login ?? '').split(separator), ...(own ?? '').split(separator)]
  return [...new Set(folders.filter((folder) => folder !== ''))].join(separator)
}

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

/** A declared PATH is taken as it is, and then the login shell is not asked. */
export function createServerEnvironment(deps: {
  environment: Readonly<Record<string, string>>
  platform: NodeJS.Platform
  /** PATH of the login shell, or null. */
  loginPath(): Promise<string | null>
}): ServerEnvironment {
  const { environment, platform } = deps
  const inherited = inheritedEnvironment(environment, platform)
  return {
    async forServer(declared) {
      if (platform === 'win32' || 'PATH' in declared) return { ...inherited, ...declared }
      const path = mergePath(await deps.loginPath(), inherited.PATH, ':')
      return { ...inherited, PATH: path || DEFAULT_PATH, ...declared }
    },
  }
}
