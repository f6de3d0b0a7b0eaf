import { scrypt } from 'node:crypto'
import type { Secret } from './secret'

/** scrypt (RFC 7914) at 128 MiB: about half a second for each guess. */
const COST = { N: 131_072, r: 8, p: 1 } as const
const MAX_MEMORY = 256 * 1024 * 1024
const KEY_BYTES = 32

interface Derivation {
  kdf: 'scrypt'
  N: number
  r: number
  p: number
  /** Base64. */
  salt: string
}

/** How a key is to follow from a passphrase from now on, as it is stored. `salt` is 16 random bytes. */
export const newDerivation = (salt: Uint8Array): string =>
  JSON.stringify({
    kdf: 'scrypt',
    ...COST,
    salt: Buffer.from(salt).toString('base64'),
  } satisfies Derivation)

function parse(text: string): Derivation | null {
  try {
    const { kdf, N, r, p, salt } = JSON.parse(text) as Partial<Derivation>
    const sane = kdf === 'scrypt' && Number(N) * Number(r) * 128 <= MAX_MEMORY && Number(p) <= 4
    if (!sane || N === undefined || r === undefined || p === undefined || salt === undefined) return null
    return { kdf: 'scrypt', N, r, p, salt }
  } catch {
    return null
  }
}

/** The key that follows from a passphrase; null when the stored derivation is damaged. The caller wipes it. */
export async function deriveKey(passphrase: Secret, derivation: string): Promise<Uint8Array | null> {
  const stored = parse(derivation)
  if (!stored) return null
  const { N, r, p, salt } = stored
  const text = Buffer.from(passphrase.reveal().normalize('NFC'))
  try {
    return await new Promise<Uint8Array | null>((resolve) => {
      scrypt(text, Buffer.from(salt, 'base64'), KEY_BYTES, { N, r, p, maxmem: MAX_MEMORY }, (error, key) => {
        if (error) return resolve(null)
        resolve(new Uint8Array(key))
        key.fill(0)
      })
    }).finally(overwriteStacks)
  } finally {
    text.fill(0)
  }
}

/**
 * scrypt leaves its last block, which is the key, on the stack of whichever thread of the pool made it. So many that take
 * a moment each come to every thread of it, as a rule.
 */
const overwriteStacks = (): Promise<unknown> =>
  Promise.all(
    Array.from(
      { length: navigator.hardwareConcurrency * 4 },
      () =>
        new Promise<void>((resolve) => {
          scrypt('', '', KEY_BYTES, { N: 1024, r: 8, p: 1 }, () => resolve())
        }),
    ),
  )
