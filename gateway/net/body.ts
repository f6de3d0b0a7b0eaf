import { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { GatewayError } from '../errors'

/**
 * The chunks of a response of `safeFetch`, decoded. Compressed bodies are opened a little at a time, so that a bomb
 * is noticed by whoever counts long before it is whole. Throws `net.failed` for an encoding nobody asked for.
 */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  if (!response.body) return
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') {
    yield* plainChunks(response.body)
    return
  }
  const decoder = decoderFor(encoding)
  const source = Readable.from(plainChunks(response.body))
  source.on('error', (error) => decoder.destroy(error))
  try {
    for await (const chunk of source.pipe(decoder)) yield chunk as Uint8Array
  } catch (error) {
    throw new GatewayError('net.failed', 'its compressed body is damaged', { cause: error })
  } finally {
    source.destroy()
    decoder.destroy()
  }
}

async function* plainChunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        ended = true
        return
      }
      yield value
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined)
  }
}

function decoderFor(encoding: string) {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      throw new GatewayError('net.failed', 'its body has an encoding that was not asked for')
  }
}

/** The whole body, decoded. Throws `net.too_large` once more than `maxBytes` decoded bytes have come. */
export async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const declared = declaredLength(response)
  if (declared > maxBytes) {
    await response.body?.cancel()
    throw tooLarge(maxBytes)
  }
  if (declared >= 0 && !response.headers.has('content-encoding')) return await response.bytes()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunksOf(response)) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

/**
 * Bytes of the body as sent, to which the parser of HTTP holds the peer; NaN when nothing does. A length beside a
 * transfer encoding counts for nothing (RFC 9112 section 6.3).
 */
const declaredLength = ({ headers }: Response): number =>
  headers.has('transfer-encoding') ? Number.NaN : Number(headers.get('content-length') ?? Number.NaN)

const tooLarge = (maxBytes: number) => new GatewayError('net.too_large', `more than ${maxBytes} bytes`)

/** A body longer than this costs less to cut off than to read. */
const WORTH_READING = 16 * 1024

/** Lets go of a response nobody reads; a short body is read to its end, so that its connection can serve again. */
export async function discard(response: Response): Promise<void> {
  if (!response.body) return
  const declared = declaredLength(response)
  try {
    if (declared <= WORTH_READING) await response.bytes()
    else await response.body.cancel()
  } catch {
    // A connection that broke needs no discarding.
  }
}
