// What may be handed to another program as an address. Addresses come from servers, and whoever opens them decides by
// their scheme what to start.
import { addressKind, literalAddress } from '../net/addresses'

declare const clean: unique symbol
/**
 * An address as it may be handed to a browser: `https:`, or `http:` of this machine, ASCII, at most `LONGEST_URL` bytes,
 * without a name or password, white space, quotes, backslashes or what a shell would expand.
 */
export type CleanUrl = string & { readonly [clean]: true }

/** Bytes of the longest address that is opened. */
export const LONGEST_URL = 4096

/** Either the address, or why there is none; the reason never repeats the address. */
export type Cleaned = { url: CleanUrl; refused: null } | { url: null; refused: string }

const no = (refused: string): Cleaned => ({ url: null, refused })

/** White space, control characters, marks nobody sees or that turn the text around, halves of surrogate pairs. */
const unseen = /[\s\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}]/u

/** What URL leaves as it is although a shell would act on it. `&` has to stay, because queries need it. */
const expands = /[$`()|<>^{}]/g

const encoded = (letter: string): string =>
  `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** `localhost` and loopback addresses. Not the names below `localhost`: browsers ask the network for some of them. */
function isThisMachine(hostname: string): boolean {
  const literal = literalAddress(hostname)
  return literal === null ? hostname === 'localhost' : addressKind(literal) === 'loopback'
}

/**
 * Reads an address as browsers do (WHATWG URL) and writes it anew; nothing of the original spelling is left. Refuses
 * what a parser would quietly drop or change (white space, backslashes, hidden characters) instead of guessing.
 */
export function cleanUrl(text: string): Cleaned {
  if (text.length > LONGEST_URL) return no('it is too long')
  if (unseen.test(text)) return no('it has white space or hidden characters in it')
  if (/["'\\]/.test(text)) return no('it has quotes or backslashes in it')
  if (!URL.canParse(text)) return no('it is not an address')
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return no('only https addresses are opened')
  // Spelled out, because a parser also takes `https:example.com` and `https:/example.com`.
  if (!/^https?:\/\/[^/]/i.test(text)) return no('it is not a complete address')
  if (url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?#]*@/i.test(text))
    return no('it has a name or password in it')
  if (url.protocol === 'http:' && !isThisMachine(url.hostname))
    return no('unencrypted http is only opened on this machine')
  if (!/^(?:[a-z0-9_][a-z0-9._-]*|\[[0-9a-f:]+\])$/.test(url.hostname)) return no('its host is not a name')
  const written = url.href.replace(expands, encoded)
  // The parser escapes; this holds it to that.
  if (!/^https?:\/\/[!#%&*+,\-./0-9:;=?@A-Z[\]_a-z~]+$/.test(written))
    return no('it has unusual characters in it')
  if (written.length > LONGEST_URL) return no('it is too long')
  return { url: written as CleanUrl, refused: null }
}
