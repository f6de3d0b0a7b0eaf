import { environmentVariable } from '../config'
import type { Io } from './io'
import { readSecret } from './typed-value'
import { UsageError } from './usage'

/** Where the secret of a client id is looked for before anybody is asked. */
const SECRET_VARIABLE = 'CLIENT_SECRET'

/** What an OAuth application is known by, which a person registered. */
export interface BroughtClientId {
  clientId: string
  clientSecret?: string
}

/** Reads `--client-id` and, where `--client-secret` says that there is one, its secret; null without. */
export async function readClientId(
  io: Io,
  values: { 'client-id'?: string | undefined; 'client-secret'?: boolean | undefined },
): Promise<BroughtClientId | null> {
  const clientId = values['client-id']
  if (clientId === undefined) {
    if (values['client-secret']) throw new UsageError('--client-secret goes with --client-id')
    return null
  }
  if (!values['client-secret']) return { clientId }
  const known = environmentVariable(SECRET_VARIABLE) ? SECRET_VARIABLE : undefined
  return { clientId, clientSecret: await readSecret(io, 'the client secret', known) }
}
