import { accessSync, constants, statSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { GatewayError } from '../errors'

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/**
 * The absolute path of a program: as it stands, or the first match in PATH. Nothing is looked up relative to any
 * folder, neither by a path with a slash nor by an empty or relative entry of PATH. Throws `upstream.spawn_failed`.
 * On Windows only `.exe` and `.com` programs are found: `.cmd` and `.bat` need cmd.exe, whose quoting is unsafe.
 */
export function resolveCommand(
  command: string,
  { environment, platform }: { environment: Readonly<Record<string, string>>; platform: NodeJS.Platform },
): string {
  const shown = JSON.stringify(basename(command))
  if (command === '' || command.includes('\0'))
    throw new GatewayError('upstream.spawn_failed', 'its command is empty or not valid; edit the server')
  if (isAbsolute(command)) {
    if (isProgram(command)) return command
    throw new GatewayError(
      'upstream.spawn_failed',
      `${shown} is not a program that can be run; check its path and its permissions`,
    )
  }
  if (/[/\\]/.test(command))
    throw new GatewayError(
      'upstream.spawn_failed',
      `${shown} is a relative path; give the full path of the program`,
    )
  const windows = platform === 'win32'
  const path = windows
    ? Object.entries(environment).find(([name]) => name.toUpperCase() === 'PATH')?.[1]
    : environment.PATH
  const endings = windows && !/\.(exe|com)$/i.test(command) ? ['.exe', '.com'] : ['']
  for (const folder of (path ?? '').split(windows ? ';' : ':'))
    if (isAbsolute(folder))
      for (const ending of endings) {
        const file = join(folder, command + ending)
        if (isProgram(file)) return file
      }
  throw new GatewayError(
    'upstream.spawn_failed',
    `${shown} was not found in PATH; install it, or give the full path of the program`,
  )
}
