import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs'
import { toStoreError, unwritableBecause } from './errors'

const STICKY = 0o1000
const PERMISSIONS = 0o777

// Modes are set per file: a umask would be inherited by every server the gateway starts.

/**
 * Makes a folder that only its owner can enter (0700), tightening one that exists. Throws `store.unwritable`; a
 * folder that is shared on purpose (sticky, such as the temp folder) is refused rather than tightened.
 */
export function privateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const { mode } = statSync(path)
    if (mode & STICKY)
      throw unwritableBecause('the data folder is shared by all users, choose one of your own')
    accessSync(path, constants.W_OK)
    if ((mode & PERMISSIONS) !== 0o700) chmodSync(path, 0o700)
  } catch (thrown) {
    throw toStoreError(thrown)
  }
}

/** Makes a file 0600 from its first byte, or tightens the one that is there. Throws `store.unwritable`. */
export function privateFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
    tighten(path)
  } catch (thrown) {
    throw toStoreError(thrown)
  }
}

/** Tightens a file to 0600 if it is there. */
export function tighten(path: string): void {
  if (existsSync(path) && (statSync(path).mode & PERMISSIONS) !== 0o600) chmodSync(path, 0o600)
}
