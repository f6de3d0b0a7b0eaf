// The vault as a file under a passphrase. JSON; version 1:
//   {"format":"mcpmux-vault","version":1,"id":"<hex>","derivation":"<JSON>","key":"<base64>","body":"<base64>"}
// `derivation` says how the key of the file follows from the passphrase. Under that one are sealed, bound to all that
// stands before them: `key`, the data key with its id; and `body`, JSON that says what there is, each value in it still
// sealed with the data key.
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { openEnvelope, type Place, type SealingKey, sealEnvelope } from './envelope'
import { deriveKey, newDerivation } from './passphrase'
import type { Secret } from './secret'

const FORMAT = 'mcpmux-vault'
const VERSION = 1
const KEY_BYTES = 32
const ID_BYTES = 8

/** What an export is made with, from a passphrase; `Symbol.dispose` wipes it. */
export interface ExportKey extends SealingKey, Disposable {
  derivation: string
}

interface File {
  id: string
  derivation: string
  key: Uint8Array
  body: Uint8Array
}

const placeOf = (column: 'key' | 'body', { id, derivation }: Pick<File, 'id' | 'derivation'>): Place => ({
  table: FORMAT,
  column,
  row: `${VERSION} ${id} ${derivation}`,
  space: '',
})

async function derive(id: string, derivation: string, passphrase: Secret): Promise<ExportKey> {
  const bytes = await deriveKey(passphrase, derivation)
  if (!bytes) throw new GatewayError('vault.export_broken')
  return { id, derivation, bytes, [Symbol.dispose]: () => void bytes.fill(0) }
}

/** A new key for one export. Throws `input.invalid` for a passphrase that is too short. */
export async function newExportKey(
  passphrase: Secret,
  runtime: Pick<Runtime, 'randomBytes'>,
): Promise<ExportKey> {
  if (passphrase.reveal().length < 8)
    throw new GatewayError('input.invalid', 'a passphrase has 8 characters or more')
  const id = Buffer.from(runtime.randomBytes(ID_BYTES)).toString('hex')
  return derive(id, newDerivation(runtime.randomBytes(16)), passphrase)
}

/** The text of an export. Waits for nothing, so that the data key cannot change on the way. */
export function exportText(
  exportKey: ExportKey,
  dataKey: SealingKey,
  body: string,
  runtime: Pick<Runtime, 'randomBytes'>,
): string {
  const { id, derivation } = exportKey
  const plain = Buffer.concat([Buffer.from(dataKey.id, 'hex'), dataKey.bytes])
  const seal = (column: 'key' | 'body', bytes: Uint8Array) =>
    Buffer.from(sealEnvelope(exportKey, placeOf(column, exportKey), bytes, runtime.randomBytes(12))).toString(
      'base64',
    )
  try {
    return `${JSON.stringify({
      format: FORMAT,
      version: VERSION,
      id,
      derivation,
      key: seal('key', plain),
      body: seal('body', Buffer.from(body)),
    })}\n`
  } finally {
    plain.fill(0)
  }
}

function parse(text: string): File {
  let file: Record<string, unknown>
  try {
    file = JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new GatewayError('vault.export_broken')
  }
  if (typeof file !== 'object' || file === null || file.format !== FORMAT)
    throw new GatewayError('vault.export_broken')
  const { version, id, derivation, key, body } = file
  if (typeof version === 'number' && version > VERSION) throw new GatewayError('vault.export_newer')
  const isWhole =
    version === VERSION &&
    typeof id === 'string' &&
    /^[0-9a-f]{16}$/.test(id) &&
    typeof derivation === 'string' &&
    typeof key === 'string' &&
    typeof body === 'string'
  if (!isWhole) throw new GatewayError('vault.export_broken')
  return { id, derivation, key: Buffer.from(key, 'base64'), body: Buffer.from(body, 'base64') }
}

/** What an export holds; `Symbol.dispose` wipes the key. */
export interface OpenExport extends Disposable {
  dataKey: SealingKey
  body: string
}

/** Throws `vault.export_broken`, `vault.export_newer`, or `vault.passphrase` where the key does not open. */
export async function openExport(text: string, passphrase: Secret): Promise<OpenExport> {
  const file = parse(text)
  using exportKey = await derive(file.id, file.derivation, passphrase)
  const plain = openEnvelope(exportKey, placeOf('key', file), file.key)
  if (!plain) throw new GatewayError('vault.passphrase', 'it does not open the file, or the file was changed')
  // A view of a short array moves it, and leaves its bytes where they were.
  const id = Buffer.from(plain.slice(0, ID_BYTES)).toString('hex')
  const bytes = plain.slice(ID_BYTES)
  plain.fill(0)
  const body = openEnvelope(exportKey, placeOf('body', file), file.body)
  if (!body || bytes.length !== KEY_BYTES) {
    bytes.fill(0)
    throw new GatewayError('vault.export_broken')
  }
  return {
    dataKey: { id, bytes },
    body: Buffer.from(body).toString('utf8'),
    [Symbol.dispose]: () => void bytes.fill(0),
  }
}
