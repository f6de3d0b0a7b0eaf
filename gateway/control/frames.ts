// What travels over the control socket: one JSON object a line. A connection carries one request
//   {"method":"POST","path":"/servers","body":"…"}
// and its answer: {"status":200,"headers":{…}}, any number of {"chunk":"<base64>"}, then {"end":true}; an answer cut
// short ends in {"end":false}. Closing the connection cancels the request.

/** Longest line either side reads. A request body is text, so the largest call arguments fit even when escaped. */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024
/** Bytes of an answer in one frame. */
export const CHUNK_BYTES = 48 * 1024

export interface RequestFrame {
  method: string
  /** Path and query. */
  path: string
  body: string | null
}

export type AnswerFrame =
  | { status: number; headers: Record<string, string> }
  | { chunk: string }
  | { end: boolean }

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** One line, its newline included. */
export const encodeFrame = (frame: RequestFrame | AnswerFrame): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(frame)}\n`)

function parseObject(line: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** Null for anything that is not exactly a request frame. */
export function parseRequest(line: Uint8Array): RequestFrame | null {
  const { method, path, body, ...rest } = parseObject(line) ?? {}
  if (typeof method !== 'string' || !methods.has(method)) return null
  if (typeof path !== 'string' || !/^\/[\x21-\x7e]{0,16383}$/.test(path)) return null
  if (body !== null && typeof body !== 'string') return null
  return Object.keys(rest).length === 0 ? { method, path, body } : null
}

/** Null for anything that is no answer frame. */
export function parseAnswer(line: Uint8Array): AnswerFrame | null {
  const { status, headers, chunk, end } = parseObject(line) ?? {}
  if (typeof chunk === 'string') return { chunk }
  if (typeof end === 'boolean') return { end }
  if (typeof status !== 'number' || typeof headers !== 'object' || headers === null) return null
  const texts = Object.entries(headers).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return { status, headers: Object.fromEntries(texts) }
}
