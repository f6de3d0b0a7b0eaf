// Writes a value as JSON in one of its many spellings: white space between tokens, escapes in strings and keys.

/** A stream of small numbers that decides the spelling. */
export type Shape = () => number

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Whether JSON.parse takes these bytes as UTF-8 text without a byte order mark. */
export function accepted(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

export function respell(document: unknown, pick: Shape): string {
  const space = () => (pick() % 4 === 0 ? ([' ', '\n', '\t', '\r', '  \r\n'][pick() % 5] as string) : '')
  const between = (text: string) => space() + text + space()
  if (typeof document === 'string') return between(respellString(document, pick))
  if (Array.isArray(document))
    return between(`[${document.map((item) => respell(item, pick)).join(',') || space()}]`)
  if (typeof document === 'object' && document !== null) {
    const members = Object.entries(document).map(
      ([name, value]) => `${between(respellString(name, pick))}:${respell(value, pick)}`,
    )
    return between(`{${members.join(',') || space()}}`)
  }
  return between(JSON.stringify(document))
}

function respellString(text: string, pick: Shape): string {
  let out = ''
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    const surrogate = unit >= 0xd800 && unit <= 0xdfff
    if (pick() % 5 === 0 || surrogate) {
      const hex = unit.toString(16).padStart(4, '0')
      out += `\\u${pick() % 2 === 0 ? hex : hex.toUpperCase()}`
    } else {
      const plain = JSON.stringify(text[index]).slice(1, -1)
      out += plain === '/' && pick() % 2 === 0 ? '\\/' : plain
    }
  }
  return `"${out}"`
}
