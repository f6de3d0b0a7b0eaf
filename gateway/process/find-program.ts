import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/** Whether a file can be run. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/**
 * The absolute path of a program: as it stands, or the first match in PATH; null when there is none. Nothing is looked up
 * relative to any folder, neither by a name with a slash nor by an empty or relative entry of PATH. On Windows only
 * `.exe` and `.com` programs are found: `.cmd` and `.bat` need cmd.exe, whose quoting is unsafe.
 */
export function findProgram(
  name: string,
  { environment, platform }: { environment: Readonly<Record<string, string>>; platform: NodeJS.Platform },
): string | null {
  if (isAbsolute(name)) return isProgram(name) ? name : null
  if (name === '' || /[/\\\0]/.test(name)) return null
  const windows = platform === 'win32'
  const path = windows
    ? Object.entries(environment).find(([key]) => key.toUpperCase() === 'PATH')?.[1]
    : environment.PATH
  const endings = windows && !/\.(exe|com)$/i.test(name) ? ['.exe', '.com'] : ['']
  for (const folder of (path ?? '').split(windows ? ';' : ':'))
    if (isAbsolute(folder))
      for (const ending of endings) {
        const file = join(folder, name + ending)
        if (isProgram(file)) return file
      }
  return null
}
