import { inheritedEnvironment } from '../process/environment'

/** What a browser, or the program that finds one, needs beyond what servers get: the desktop, its bus, its proxy. */
const names = new Set(
  (
    'DBUS_SESSION_BUS_ADDRESS DESKTOP_SESSION GNOME_DESKTOP_SESSION_ID KDE_FULL_SESSION KDE_SESSION_VERSION ' +
    'MATE_DESKTOP_SESSION_ID GDK_BACKEND QT_QPA_PLATFORM MOZ_ENABLE_WAYLAND ' +
    'HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy ' +
    // A browser outside the machine one is signed in at: Windows below WSL, the editor of a remote folder.
    'WSL_DISTRO_NAME WSL_INTEROP VSCODE_IPC_HOOK_CLI'
  ).split(' '),
)

const isNeeded = (name: string): boolean => names.has(name) || /^XDG_[A-Z_]+$/.test(name)

/**
 * The complete environment of an opener: by name, and nothing of ours (`MCPMUX_*`), no keys, nothing that loads code.
 * `BROWSER` stays out, because `xdg-open` makes a command line of it. Relative folders of PATH are dropped.
 */
export function browserEnvironment(
  environment: Readonly<Record<string, string>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const result = inheritedEnvironment(environment, platform)
  if (platform === 'win32') return result
  for (const [name, value] of Object.entries(environment))
    if (isNeeded(name) && !value.startsWith('()')) result[name] = value
  const folders = (result.PATH ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return { ...result, PATH: folders.length > 0 ? folders.join(':') : '/usr/local/bin:/usr/bin:/bin' }
}
