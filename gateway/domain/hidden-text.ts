// Text that is there for a model and not for a person: what it is, and how to show it.

/**
 * Characters nobody sees: control characters but for tab and line breaks, what sets the direction of text, what has no
 * width (Unicode 16, `Default_Ignorable_Code_Point`: tag characters U+E0000 to U+E007F and variation selectors among
 * them), annotations, the empty Braille pattern, and halves of surrogate pairs.
 */
const hidden =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\ufff9-\ufffb\u2800\p{Default_Ignorable_Code_Point}\p{Cs}]/u

/** Scripts whose spelling needs joiners between letters. */
const joining =
  '[\\p{Script=Arabic}\\p{Script=Bengali}\\p{Script=Devanagari}\\p{Script=Gujarati}\\p{Script=Gurmukhi}' +
  '\\p{Script=Kannada}\\p{Script=Khmer}\\p{Script=Malayalam}\\p{Script=Myanmar}\\p{Script=Oriya}\\p{Script=Sinhala}' +
  '\\p{Script=Syriac}\\p{Script=Tamil}\\p{Script=Telugu}]'

/**
 * What is no secret although a part of it is not seen: emoji with a variation selector, keycaps, emoji joined into one,
 * the flags of England, Scotland and Wales, and one joiner between letters that need it.
 */
const innocent = new RegExp(
  [
    '\\u{1f3f4}\\u{e0067}\\u{e0062}(?:\\u{e0065}\\u{e006e}\\u{e0067}|\\u{e0073}\\u{e0063}\\u{e0074}|\\u{e0077}\\u{e006c}\\u{e0073})\\u{e007f}',
    '\\p{Extended_Pictographic}[\\ufe0e\\ufe0f]?\\p{Emoji_Modifier}?' +
      '(?:\\u200d\\p{Extended_Pictographic}[\\ufe0e\\ufe0f]?\\p{Emoji_Modifier}?)*',
    '[0-9#*]\\ufe0f\\u20e3',
    `(?<=${joining})[\\u200c\\u200d](?=${joining})`,
  ].join('|'),
  'gu',
)

/** Whether `text` says something that a person who reads it does not see. */
export const hidesText = (text: string): boolean =>
  hidden.test(text) && hidden.test(text.replace(innocent, ''))

/** What is left as it is; else a backslash, spaces that push what follows out of sight, or what is to be an escape. */
const shown = new RegExp(
  `(${innocent.source})|\\\\| {17,}|${hidden.source}|[\\u2028\\u2029\\p{Co}\\p{Cn}]`,
  'gu',
)

/**
 * One line of prose in any language as a person can check it: what is hidden is written as an escape as in
 * `visibleText`, what is only not English is left as it is. Nothing is cut.
 */
export const withHiddenShown = (text: string): string =>
  text.replace(shown, (found, left?: string) => {
    if (left !== undefined) return left
    if (found === '\\') return '\\\\'
    if (found.startsWith(' ')) return `\\x20{${found.length}}`
    return `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`
  })
