import type { Span } from './envelope'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** UTF-8 to text, byte order mark kept. */
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes)

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text)

/** The text of a JSON string token; null when the span is not a string. */
export function textOf(bytes: Uint8Array, span: Span): string | null {
  const { start, end } = span
  if (bytes[start] !== 0x22 || end - start < 2) return null
  const inner = bytes.subarray(start + 1, end - 1)
  if (!inner.includes(0x5c)) return decoder.decode(inner)
  return JSON.parse(decoder.decode(bytes.subarray(start, end))) as string
}

/** Whether the JSON string token [start, end), quotes included, spells `text` (ASCII), escapes decoded. */
export function spells(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const length = end - start - 2
  if (length === text.length) {
    for (let index = 0; index < length; index++)
      if (bytes[start + 1 + index] !== text.charCodeAt(index)) return false
    return true
  }
  // Every character may be written as \uXXXX, and nothing makes a token shorter than its text.
  if (length < text.length || length > text.length * 6) return false
  for (let index = start + 1; index < end - 1; index++)
    if (bytes[index] === 0x5c) return textOf(bytes, { start, end }) === text
  return false
}
