const latin = /\p{Script=Latin}/u
/** Alphabets with letters that are drawn like Latin ones. */
const alike =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}]/u
/** Drawn like a slash, a hyphen, a colon, a semicolon, a quote, a full stop or a space. */
const marks =
  /[\u2044\u2215\u29f8\u2010-\u2015\u2212\u02d0\u2236\ua789\u037e\u2018-\u201f\u2032\u2033\u2024\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/

/**
 * Whether a word of a command could be read as another one: letters of two alphabets in it, a letter that is another
 * spelling of a plain one, or a mark that is drawn like one.
 */
export const looksLikeOther = (word: string): boolean =>
  /[^\x20-\x7e]/.test(word) &&
  (marks.test(word) ||
    word.split(/[^\p{L}]+/u).some((part) => latin.test(part) && alike.test(part)) ||
    [...word].some((letter) => letter > '~' && /^[\x20-\x7e]+$/.test(letter.normalize('NFKC'))))
