const token = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|;|[^]/g

/**
 * SQL text as its single statements, in order. Knows comments, quotes and the body of a trigger
 * (sqlite.org/lang_createtrigger.html).
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let text = ''
  let words: string[] = []
  let depth = 0
  for (const [part] of sql.matchAll(token)) {
    const word = /^\w/.test(part) ? part.toUpperCase() : null
    if (word) words.push(word)
    const inTrigger = words[0] === 'CREATE' && words.slice(1, 4).includes('TRIGGER')
    if (inTrigger && (word === 'BEGIN' || word === 'CASE')) depth += 1
    if (inTrigger && word === 'END') depth -= 1
    if (part !== ';' || depth > 0) {
      if (!part.startsWith('--') && !part.startsWith('/*')) text += part
      continue
    }
    if (text.trim()) statements.push(text.trim())
    text = ''
    words = []
    depth = 0
  }
  if (text.trim()) statements.push(text.trim())
  return statements
}
