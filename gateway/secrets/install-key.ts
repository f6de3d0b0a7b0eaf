import { join } from 'node:path'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { readKeyFile, writeKeyFile } from './key-file'

const LENGTH = 32

/**
 * 32 random bytes that belong to this installation, in the 0600 file `install.key` of the data folder, made on first
 * use and the same ever after. Throws `store.broken` when the file is not such a key, `store.unwritable`.
 */
export function openInstallKey(dataDir: string, runtime: Pick<Runtime, 'randomBytes'>): Uint8Array {
  const file = join(dataDir, 'install.key')
  try {
    const kept = readKeyFile(file)
    if (kept && kept.length !== LENGTH) throw damaged()
    if (kept) return kept
    const key = runtime.randomBytes(LENGTH)
    writeKeyFile(file, key)
    return key
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown
    throw new GatewayError('store.unwritable', 'install.key of the data folder, check its rights', {
      cause: thrown,
    })
  }
}

const damaged = () =>
  new GatewayError(
    'store.broken',
    'install.key is damaged; restore it, or move it away and give your consents again',
  )
