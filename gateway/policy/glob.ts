/**
 * Compiles a pattern in which `*` stands for any run of characters and everything else for itself. Matches the whole
 * text, in time at most pattern × text, without regular expressions.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const pieces = pattern.split(/\*+/)
  const first = pieces[0] ?? ''
  if (pieces.length === 1) return (text) => text === pattern
  const last = pieces.at(-1) ?? ''
  const middle = pieces.slice(1, -1)
  return (text) => {
    if (text.length < first.length + last.length) return false
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    let from = first.length
    const end = text.length - last.length
    for (const piece of middle) {
      const at = text.indexOf(piece, from)
      if (at < 0 || at + piece.length > end) return false
      from = at + piece.length
    }
    return true
  }
}

/** Whether some text that begins with `prefix` could match the pattern. */
export function globCouldBeginWith(pattern: string, prefix: string): boolean {
  const star = pattern.indexOf('*')
  const literal = star < 0 ? pattern : pattern.slice(0, star)
  if (star < 0) return literal.startsWith(prefix)
  return literal.length >= prefix.length ? literal.startsWith(prefix) : prefix.startsWith(literal)
}
