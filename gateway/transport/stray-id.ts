// Which call a message was the answer to, when the message itself cannot be read as a whole.

interface Found {
  id: number | null
  jsonrpc: boolean
  method: boolean
}

const decode = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** End (exclusive) of the string that starts at `from`, or -1 when the text ends before it does. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return -1
}

function valueEnd(text: string, from: number): number {
  if (text[from] === '"') return stringEnd(text, from)
  if (text[from] !== '{' && text[from] !== '[') {
    const length = text.slice(from).search(/[,}\]\s]/)
    return length < 0 ? -1 : from + length
  }
  for (let at = from, depth = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      at = stringEnd(text, at) - 1
      if (at < 0) return -1
    } else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return -1
}

/** Members of the outermost object, as far as the text goes. */
function readHead(text: string): Found {
  const found: Found = { id: null, jsonrpc: false, method: false }
  const space = /\s*/y
  const skip = (at: number): number => {
    space.lastIndex = at
    space.test(text)
    return space.lastIndex
  }
  let at = skip(0)
  if (text[at] !== '{') return found
  for (at = skip(at + 1); text[at] === '"'; at = skip(at + 1)) {
    const keyEnd = stringEnd(text, at)
    if (keyEnd < 0) break
    const key = text.slice(at + 1, keyEnd - 1)
    const colon = skip(keyEnd)
    if (text[colon] !== ':') break
    const start = skip(colon + 1)
    const end = valueEnd(text, start)
    if (key === 'method') found.method = true
    if (end < 0) break
    const value = text.slice(start, end)
    if (key === 'jsonrpc') found.jsonrpc = value === '"2.0"'
    if (key === 'id' && /^\d{1,15}$/.test(value)) found.id = Number(value)
    at = skip(end)
    if (text[at] !== ',') break
  }
  return found
}

// A bare number right before the last brace can only be a member of the outermost object.
const idLast = /"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15})\s*}\s*$/
const idBeforeVersion = /"id"\s*:\s*(\d{1,15})\s*,\s*"jsonrpc"\s*:\s*"2\.0"\s*}\s*$/
const idAlone = /"id"\s*:\s*(\d{1,15})\s*}\s*$/

/**
 * The call id of a JSON-RPC response of which only the first and the last bytes are known; null when it cannot be told
 * for sure, or when it is no response. A log line that happens to be JSON with an `id` is none.
 */
export function answeredId(head: Uint8Array, tail: Uint8Array | null): number | null {
  const found = readHead(decode(head))
  if (found.method) return null
  if (found.jsonrpc && found.id !== null) return found.id
  if (!tail) return null
  const end = decode(tail)
  const last = (found.jsonrpc ? idAlone.exec(end) : null) ?? idLast.exec(end) ?? idBeforeVersion.exec(end)
  return last ? Number(last[1]) : null
}
