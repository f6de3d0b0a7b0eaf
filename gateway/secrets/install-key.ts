import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'

const LENGTH = 32

/**
 * 32 random bytes that belong to this installation, in the 0600 file `install.key` of the data folder, made on first
 * use and the same ever after. Throws `store.broken` when the file is not such a key, `store.unwritable`.
 */
export function openInstallKey(dataDir: string, runtime: Pick<Runtime, 'randomBytes'>): Uint8Array {
  const file = join(dataDir, 'install.key')
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const key = read(file) ?? create(file, runtime.randomBytes(LENGTH))
    if (key.length !== LENGTH) throw damaged()
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

function read(file: string): Uint8Array | null {
  try {
    const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    try {
      chmodSync(file, 0o600)
      return new Uint8Array(readFileSync(handle))
    } finally {
      closeSync(handle)
    }
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
}

/** Whole or not at all: a crash in between leaves no short key behind. */
function create(file: string, key: Uint8Array): Uint8Array {
  const part = `${file}.part`
  const handle = openSync(part, 'w', 0o600)
  try {
    chmodSync(part, 0o600)
    writeSync(handle, key)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(part, file)
  return key
}
