// What one data key sealed, sealed with the next one. Called within the transaction that puts that one in use.
import { GatewayError } from '../errors'
import type { SealedRow, SealedRowStore } from '../store/sealed-rows'
import { openEnvelope, type SealingKey, sealEnvelope } from './envelope'

export interface Resealed {
  resealed: number
  /** What the key did not open. It stays as it is: damaged, moved, or sealed with a key from before. */
  left: readonly SealedRow[]
}

/** Seals everything anew that `from` opens. Throws `store.unwritable` when something does not come back as stored. */
export function resealAll(
  rows: SealedRowStore,
  from: SealingKey,
  to: SealingKey,
  newNonce: () => Uint8Array,
): Resealed {
  const left: SealedRow[] = []
  let resealed = 0
  for (const row of rows.all()) {
    const plain = openEnvelope(from, row.place, row.envelope)
    if (!plain) {
      left.push(row)
      continue
    }
    try {
      rows.replace(row, to.id, sealEnvelope(to, row.place, plain, newNonce()))
      requireStored(rows.again(row), to, plain)
    } finally {
      plain.fill(0)
    }
    resealed += 1
  }
  return { resealed, left }
}

function requireStored(stored: SealedRow | null, key: SealingKey, plain: Uint8Array): void {
  const bytes = stored && openEnvelope(key, stored.place, stored.envelope)
  const same = bytes !== null && Buffer.compare(bytes, plain) === 0
  bytes?.fill(0)
  if (!same || stored?.keyId !== key.id)
    throw new GatewayError('store.unwritable', 'a sealed value did not come back as it was stored')
}
