// Where the answer of a sign-in may go (RFC 8252 section 7, OAuth 2.1 section 2.3).

const LONGEST = 2048
const MOST = 32

/** Visible ASCII without what a browser or a header would read as something else. */
const PLAIN = /^[!#-;=?-[\]_a-z~]+$/
/** Literally one of three names of this machine: whatever else a parser might take for it is not compared, but refused. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?((?:[/?].*)?)$/
const SCHEME = /^([a-z][a-z0-9+.-]{1,63}):(?!$)/

/**
 * Schemes that run, show or read something, or belong to a program of the system that does. An application's own scheme
 * cannot be told from these by its looks.
 */
const refused = new Set(
  `about afp blob chrome chrome-extension data dav edge facetime feed file filesystem ftp gopher http https imap intent
  irc jar javascript ldap ldaps livescript magnet mailto mcpmux mhtml mms moz-extension ms-appinstaller news nfs nntp
  opera pop res resource rtsp search search-ms sftp shell sip sips skype smb sms ssh steam svn tel telnet urn vbscript
  vnc view-source ws wss xmpp`.split(/\s+/),
)
const refusedFamilies = ['ms-', 'x-apple', 'itms', 'chrome-', 'web+']

interface Loopback {
  host: string
  rest: string
}

function loopbackOf(uri: string): Loopback | null {
  const [, host, port, rest = ''] = LOOPBACK.exec(uri) ?? []
  if (host === undefined || Number(port ?? 80) > 65_535 || Number(port ?? 80) === 0) return null
  return { host, rest }
}

/** The scheme of an application's own address; null for one that is none, or belongs to somebody else. */
function applicationScheme(uri: string): string | null {
  const scheme = SCHEME.exec(uri)?.[1]
  if (scheme === undefined || refused.has(scheme)) return null
  return refusedFamilies.some((start) => scheme.startsWith(start)) ? null : scheme
}

/** Whether the answer may ever go there: this machine, or an application of it. Everything is compared as it is spelled. */
export function isAllowedRedirect(uri: string): boolean {
  // A fragment is not in the alphabet's spirit, and `#` ends what a server sees (RFC 6749 section 3.1.2).
  if (uri.length > LONGEST || !PLAIN.test(uri) || uri.includes('#')) return false
  return loopbackOf(uri) !== null || applicationScheme(uri) !== null
}

/** The addresses of a registration that may be used; the others are dropped, and so is what is too many. */
export const allowedRedirects = (uris: readonly unknown[]): string[] =>
  [...new Set(uris.filter((uri): uri is string => typeof uri === 'string').filter(isAllowedRedirect))].slice(
    0,
    MOST,
  )

/**
 * Whether an address is one of the registered ones: exactly, but for the port of a loopback address, which a program
 * takes as it comes (RFC 8252 section 7.3).
 */
export function isRegistered(uri: string, registered: readonly string[]): boolean {
  if (!isAllowedRedirect(uri)) return false
  const asked = loopbackOf(uri)
  return registered.some((known) => {
    if (known === uri) return true
    const other = asked && loopbackOf(known)
    return other !== null && other.host === asked?.host && other.rest === asked.rest
  })
}

/** Whether the receiver is an HTTP server of this machine, to which an answer may go without a person's word. */
export const isLoopbackRedirect = (uri: string): boolean => loopbackOf(uri) !== null

/** What names the receiver to a person: `127.0.0.1:4711`, or `cursor:` for an application. */
export function receiverOf(uri: string): string {
  const [, host, port] = LOOPBACK.exec(uri) ?? []
  if (host === undefined) return `${applicationScheme(uri) ?? ''}:`
  return port === undefined ? host : `${host}:${port}`
}

/** The address with these parameters behind the ones it has. */
export function withParameters(uri: string, parameters: Readonly<Record<string, string | null>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== null) query.set(name, value)
  return `${uri}${uri.includes('?') ? '&' : '?'}${query.toString()}`
}
