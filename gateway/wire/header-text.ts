const OPENING = '=?base64?'
const CLOSING = '?='
const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A text as the value of an HTTP header (MCP 2026-07-28, Streamable HTTP: value encoding): as it is where it is plain
 * ASCII without white space at its ends, else in Base64 between marks.
 */
export function encodeHeaderText(text: string): string {
  const plain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
  if (plain && !(text.startsWith(OPENING) && text.endsWith(CLOSING))) return text
  return `${OPENING}${Buffer.from(text.toWellFormed(), 'utf8').toString('base64')}${CLOSING}`
}

/** What a header that mirrors a text says (MCP 2026-07-28, value encoding); null when it cannot be decoded. */
export function decodeHeaderText(value: string): string | null {
  if (!value.startsWith(OPENING) || !value.endsWith(CLOSING))
    return /[^\t\x20-\x7e]/.test(value) ? null : value
  const encoded = ENCODED.exec(value)?.[1]
  if (encoded === undefined || encoded.length % 4 !== 0) return null
  try {
    return decoder.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return null
  }
}
