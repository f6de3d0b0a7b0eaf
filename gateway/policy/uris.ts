// Two servers may offer one URI. Then both are exposed wrapped: `mcpmux+LABEL:` before the original, and for `ui://`,
// whose scheme hosts insist on, `ui://mcpmux+LABEL/` instead of `ui://`. A label has neither `:` nor `/`, and an
// original that looks wrapped is always wrapped itself, so no two pairs of label and URI share a form. Both forms
// only put text in front, hence hold for templates too.

const mark = 'mcpmux+'
const ui = 'ui://'

/** The form in which a URI or URI template of the server with this label is exposed when it is not unique. */
export const wrapUri = (label: string, uri: string): string =>
  uri.startsWith(ui) ? `${ui}${mark}${label}/${uri.slice(ui.length)}` : `${mark}${label}:${uri}`

/** Whether a URI has one of the two wrapped forms. */
export const looksWrapped = (uri: string): boolean => uri.startsWith(mark) || uri.startsWith(ui + mark)

/** The original of a URI wrapped with this label, else null. */
export function unwrapUri(label: string, uri: string): string | null {
  const plain = `${mark}${label}:`
  if (uri.startsWith(plain)) return uri.slice(plain.length)
  const app = `${ui}${mark}${label}/`
  return uri.startsWith(app) ? ui + uri.slice(app.length) : null
}

const unreserved = /^[A-Za-z0-9._~-]$/

/**
 * RFC 3986 section 6.2.2 for comparing: case of scheme and authority, escapes of unreserved characters, dot segments.
 * What cannot be parsed comes back with its escapes undone only.
 */
export function comparableUri(uri: string): string {
  const decoded = uri.replace(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return unreserved.test(char) ? char : escape.toUpperCase()
  })
  return URL.canParse(decoded) ? new URL(decoded).href : decoded
}
