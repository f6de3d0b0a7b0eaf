const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a header that mirrors a text says (MCP 2026-07-28, value encoding); null when it cannot be decoded. */
export function decodeHeaderValue(value: string): string | null {
  if (!value.startsWith('=?base64?') || !value.endsWith('?='))
    return /[^\t\x20-\x7e]/.test(value) ? null : value
  const encoded = ENCODED.exec(value)?.[1]
  if (encoded === undefined || encoded.length % 4 !== 0) return null
  try {
    return decoder.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return null
  }
}
