import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../errors'

/** The working folder of a server without one of its own choice: never the folder the gateway was started in. */
export const serverFolder = (dataDir: string, serverId: string): string => join(dataDir, 'servers', serverId)

/** Makes the folder, readable by its owner only. Throws `upstream.spawn_failed`. */
export function ensureServerFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch (cause) {
    throw new GatewayError('upstream.spawn_failed', 'its folder inside the data folder cannot be made', {
      cause,
    })
  }
}
