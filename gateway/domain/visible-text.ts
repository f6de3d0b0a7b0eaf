/**
 * Text as it will really be read by a program: everything that a terminal or a font could hide, reorder or
 * imitate is written as an escape. Nothing is cut. `\\` is a backslash, `\u{…}` a character, `\x20{n}` a run of n
 * spaces.
 */
export function visibleText(text: string): string {
  return text.replace(/\\| {3,}|[^\x20-\x7e]/gu, (found) => {
    if (found === '\\') return '\\\\'
    if (found.startsWith(' ')) return `\\x20{${found.length}}`
    return `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`
  })
}

/** One word of a command line: quoted whenever it is not plainly one word. */
export const visibleWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${visibleText(word).replaceAll("'", "\\'")}'`

/** A whole command line, each argument told apart from the next. */
export const visibleCommand = (argv: readonly string[]): string => argv.map(visibleWord).join(' ')
