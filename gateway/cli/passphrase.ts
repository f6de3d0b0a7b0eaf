import { GatewayError } from '../errors'
import type { Io } from './io'

const firstLine = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).split(/\r?\n/)[0] ?? ''

/** Asked for, or the first line of stdin when that is no terminal. */
export async function askPassphrase(io: Io, question: string): Promise<string> {
  const answer = io.canAsk ? await io.askHidden(question) : firstLine(await io.readInput())
  if (!answer) throw new GatewayError('input.invalid', 'no passphrase was given')
  return answer
}

/** One that is new: asked for twice. */
export async function askNewPassphrase(io: Io): Promise<string> {
  const first = await askPassphrase(io, 'New passphrase, 8 characters or more (not shown)')
  if (io.canAsk && first !== (await askPassphrase(io, 'Once more')))
    throw new GatewayError('input.invalid', 'the two passphrases differ')
  return first
}
