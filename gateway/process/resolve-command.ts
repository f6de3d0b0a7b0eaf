import { basename, isAbsolute } from 'node:path'
import { GatewayError } from '../errors'
import { findProgram } from './find-program'

/** The absolute path of a server's program, see `findProgram`. Throws `upstream.spawn_failed` with what to do about it. */
export function resolveCommand(
  command: string,
  place: { environment: Readonly<Record<string, string>>; platform: NodeJS.Platform },
): string {
  const shown = JSON.stringify(basename(command))
  if (command === '' || command.includes('\0'))
    throw new GatewayError('upstream.spawn_failed', 'its command is empty or not valid; edit the server')
  if (!isAbsolute(command) && /[/\\]/.test(command))
    throw new GatewayError(
      'upstream.spawn_failed',
      `${shown} is a relative path; give the full path of the program`,
    )
  const program = findProgram(command, place)
  if (program !== null) return program
  throw new GatewayError(
    'upstream.spawn_failed',
    isAbsolute(command)
      ? `${shown} is not a program that can be run; check its path and its permissions`
      : `${shown} was not found in PATH; install it, or give the full path of the program`,
  )
}
