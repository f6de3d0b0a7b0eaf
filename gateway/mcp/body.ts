import { GatewayError } from '../errors'
import { type Envelope, WireError } from '../wire/envelope'
import { bigMessageBytes, scanMessage, scanMessageAsync } from '../wire/scan'

const JSON_TYPE = /^\s*application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** Throws unless the body is JSON by its own account: exactly that media type, not coded in any way. */
export function requireJson(headers: Headers): void {
  const type = headers.get('content-type')
  if (type !== 'application/json' && !(type !== null && JSON_TYPE.test(type)))
    throw new GatewayError('http.unsupported_media_type')
  const coding = headers.get('content-encoding')
  if (coding !== null && coding.toLowerCase() !== 'identity')
    throw new GatewayError('http.unsupported_media_type', 'the body must not be compressed')
}

function accepts(accept: string, type: string): boolean {
  const family = type.slice(0, type.indexOf('/'))
  for (const entry of accept.split(',')) {
    const [range = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
    if (range !== type && range !== `${family}/*` && range !== '*/*') continue
    if (!parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter))) return true
  }
  return false
}

/** Throws unless the client takes all of `types`. A client that does not say takes everything (RFC 9110 12.5.1). */
export function requireAccept(headers: Headers, types: readonly string[]): void {
  const accept = headers.get('accept')
  if (accept === null || accept === 'application/json, text/event-stream') return
  if (!types.every((type) => accepts(accept, type)))
    throw new GatewayError('http.not_acceptable', `it must list ${types.join(' and ')}`)
}

/**
 * Whether a client names event streams before JSON. Their order means nothing by itself (RFC 9110 12.5.1), so that it is
 * free to say what the client would rather have.
 */
export const prefersStream = (headers: Headers): boolean =>
  headers.get('accept')?.trimStart().startsWith('text/event-stream') ?? false

async function readChunked(body: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > most) throw new GatewayError('http.too_large', `at most ${most} bytes`)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
}

/** A body that breaks off is the caller's doing, or its connection's. */
const lost = (thrown: unknown): never => {
  throw thrown instanceof GatewayError
    ? thrown
    : new GatewayError('http.bad_request', 'the body did not arrive')
}

/** Up to here a body that arrives slowly holds no more than a connection does that sends nothing. */
const SMALL_BYTES = 64 * 1024

/** The bytes a body is announced with; null when its length was not said, not a number when that is none. */
export function announcedBytes(headers: Headers): number | null {
  const announced = headers.get('content-length')
  return announced === null ? null : Number(announced)
}

/** Whether a body takes room while it arrives: one that is long, or of a length nobody said. */
export const arrivesLarge = (announced: number | null): boolean =>
  announced === null || !(announced <= SMALL_BYTES)

/** The body, at most `most` bytes. One that is announced longer is not read at all. */
export function readBody(request: Request, announced: number | null, most: number): Promise<Uint8Array> {
  if (announced !== null) {
    if (!(announced <= most)) throw new GatewayError('http.too_large', `at most ${most} bytes`)
    return request.bytes().catch(lost)
  }
  return request.body ? readChunked(request.body, most).catch(lost) : Promise.resolve(new Uint8Array())
}

/** WireErrors as the door answers them, anything else as it is. */
export function fromWireError(thrown: unknown): unknown {
  if (!(thrown instanceof WireError)) return thrown
  if (thrown.reason === 'parse') return new GatewayError('rpc.parse')
  if (thrown.reason === 'batch') return new GatewayError('rpc.batch')
  return new GatewayError('rpc.invalid', thrown.message)
}

/** The message in a body; long ones are read without holding up others. Throws `rpc.*`. */
export function readMessage(bytes: Uint8Array): Envelope | Promise<Envelope> {
  try {
    if (bytes.length < bigMessageBytes) return scanMessage(bytes)
  } catch (thrown) {
    throw fromWireError(thrown)
  }
  return scanMessageAsync(bytes).catch((thrown: unknown) => {
    throw fromWireError(thrown)
  })
}
