// One sealed field: version, algorithm, key id, nonce, ciphertext, tag. AES-256-GCM with a random nonce for each.
import { createCipheriv, createDecipheriv } from 'node:crypto'

/** Where a sealed value belongs. It opens nowhere else. `space` is '' for what belongs to no Space. */
export interface Place {
  table: string
  column: string
  row: string
  space: string
}

const VERSION = 1
const AES_256_GCM = 1
const ID_BYTES = 8
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 2 + ID_BYTES + NONCE_BYTES

/** A key and its name: 32 bytes, and 16 hex digits that each of its envelopes carries. */
export interface SealingKey {
  id: string
  bytes: Uint8Array
}

/** Lengths stand before the parts, so that no two places spell the same. */
function additionalData(place: Place, header: Uint8Array): Buffer {
  const parts = [place.table, place.column, place.row, place.space].map((part) => Buffer.from(part))
  return Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(new Uint32Array([part.length]).buffer), part]),
    header,
  ])
}

/** Seals `plain` for one place. `nonce` is 12 fresh random bytes. */
export function sealEnvelope(
  key: SealingKey,
  place: Place,
  plain: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  const header = Buffer.concat([Buffer.from([VERSION, AES_256_GCM]), Buffer.from(key.id, 'hex')])
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(place, header))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return new Uint8Array(Buffer.concat([header, nonce, sealed, cipher.getAuthTag()]))
}

/** What was sealed for exactly this place with exactly this key, whole; null for anything else. The caller wipes it. */
export function openEnvelope(key: SealingKey, place: Place, envelope: Uint8Array): Uint8Array | null {
  if (envelope.length < HEADER_BYTES + TAG_BYTES) return null
  const header = envelope.subarray(0, 2 + ID_BYTES)
  if (header[0] !== VERSION || header[1] !== AES_256_GCM || envelopeKeyId(envelope) !== key.id) return null
  const nonce = envelope.subarray(2 + ID_BYTES, HEADER_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(additionalData(place, header))
  decipher.setAuthTag(envelope.subarray(-TAG_BYTES))
  // Decrypted bytes are let out only when the tag was found right.
  const early = decipher.update(envelope.subarray(HEADER_BYTES, -TAG_BYTES))
  try {
    decipher.final()
    return new Uint8Array(early)
  } catch {
    return null
  } finally {
    early.fill(0)
  }
}

/** Which key an envelope says it was sealed with. */
export const envelopeKeyId = (envelope: Uint8Array): string =>
  Buffer.from(envelope.subarray(2, 2 + ID_BYTES)).toString('hex')
