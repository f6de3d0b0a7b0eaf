// The part of the official suite that judges clients: the gateway is the client, and a driver plays the AI application
// and the person on its other side.
import { join } from 'node:path'
import type { Daemon } from '../support/daemon'
import { type Outcome, type Revision, runProgram } from './suite'

/** Where a driver finds the gateway that runs. */
export type ClientDriver = Pick<Daemon, 'dataDir' | 'home' | 'mcpUrl'>
export const driverVariable = 'MCPMUX_CONFORMANCE_GATEWAY'

/** How often a driver signs in before it gives up. */
export const SIGN_INS = 3

/** The address the suite knows as that of a client's document; nobody fetches it. */
export const clientDocument = 'https://conformance-test.local/client-metadata.json'

const driver = join(import.meta.dir, 'client-driver.ts')

/** Has a gateway seal tokens without a keychain, and name itself as the suite expects it. */
export async function prepareClients(daemon: Daemon): Promise<void> {
  await daemon.ok('vault', 'use', 'insecure', '--yes')
  await daemon.ok('config', 'set', 'oauth.client_document', clientDocument)
}

/** Runs every scenario a revision requires of a client, all at once, against one gateway. */
export async function runClients(daemon: Daemon, revision: Revision): Promise<Outcome> {
  const { dataDir, home, mcpUrl } = daemon
  const gateway: ClientDriver = { dataDir, home, mcpUrl }
  return await runProgram(
    [
      'client',
      '--command',
      `${process.execPath} ${driver}`,
      '--requirements',
      revision,
      '--timeout',
      '240000',
    ],
    { [driverVariable]: JSON.stringify(gateway) },
  )
}
