const OPENING = '=?base64?'
const CLOSING = '?='

/**
 * A text as the value of an HTTP header (MCP 2026-07-28, Streamable HTTP: value encoding): as it is where it is plain
 * ASCII without white space at its ends, else in Base64 between marks.
 */
export function headerValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
  if (plain && !(text.startsWith(OPENING) && text.endsWith(CLOSING))) return text
  return `${OPENING}${Buffer.from(text.toWellFormed(), 'utf8').toString('base64')}${CLOSING}`
}
