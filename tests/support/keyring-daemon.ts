// A daemon with a keychain service of its own.
import { startKeyring } from './keyring'
import { startSourceDaemon } from './source-daemon'

export type KeyringDaemon = Awaited<ReturnType<typeof startKeyringDaemon>>

/** Both end when it is disposed. */
export async function startKeyringDaemon() {
  const keyring = await startKeyring()
  const daemon = await startSourceDaemon(keyring.env)
  return {
    ...daemon,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      await keyring[Symbol.asyncDispose]()
    },
  }
}
