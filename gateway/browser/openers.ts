// Which programs open an address, in the order to try them. Each is an absolute path and gets the address as an argument
// of its own; none is a shell, and no shell is asked to start one.
import { isAbsolute } from 'node:path'
import { findProgram } from '../process/find-program'

/** A program and its arguments before the address. */
export type Opener = readonly [program: string, ...args: string[]]

export interface Place {
  environment: Readonly<Record<string, string>>
  platform: NodeJS.Platform
}

/**
 * `$BROWSER` counts when it is one program and nothing else: an absolute path or a plain name. A list, a command line or
 * a `%s` in it is passed over.
 */
function chosen(place: Place): Opener[] {
  const wanted = place.environment.BROWSER ?? ''
  if (!/^[\w/.+-]+$/.test(wanted) || wanted.startsWith('-')) return []
  if (wanted.includes('/') && !isAbsolute(wanted)) return []
  const program = findProgram(wanted, place)
  return program === null ? [] : [[program]]
}

const named = (place: Place, name: string, ...args: string[]): Opener[] => {
  const program = findProgram(name, place)
  return program === null ? [] : [[program, ...args]]
}

function onLinux(place: Place): Opener[] {
  const { DISPLAY, WAYLAND_DISPLAY, WSL_DISTRO_NAME } = place.environment
  const desktop = Boolean(DISPLAY) || Boolean(WAYLAND_DISPLAY)
  return [
    ...chosen(place),
    ...(WSL_DISTRO_NAME ? named(place, 'wslview') : []),
    // Without a screen these would start a browser in text mode on a terminal nobody looks at, or fail.
    ...(desktop ? [...named(place, 'xdg-open'), ...named(place, 'gio', 'open')] : []),
  ]
}

/** Empty when this machine, or this way of being signed in to it, has no browser. */
export function openersOf(place: Place): readonly Opener[] {
  switch (place.platform) {
    case 'darwin':
      return [['/usr/bin/open']]
    case 'win32': {
      const root = place.environment.SystemRoot ?? place.environment.SYSTEMROOT ?? ''
      const folder = /^[A-Za-z]:\\/.test(root) ? root : 'C:\\Windows'
      return [[`${folder}\\System32\\rundll32.exe`, 'url.dll,FileProtocolHandler']]
    }
    default:
      return onLinux(place)
  }
}
