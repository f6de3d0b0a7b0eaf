// WWW-Authenticate as servers really send it (RFC 9110, section 11.6.1): several challenges, quoted commas, and junk.

/** What a server says it wants with a 401 or 403 (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenge {
  /** Where its metadata is; as it came, not checked. */
  resourceMetadata: string | null
  /** Null as well when it is not made of scopes. */
  scope: string | null
  error: string | null
}

const LONGEST = 8192
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const quoted = /"((?:[^"\\]|\\[^])*)"?/y
const blank = /[ \t,]*/y
const equals = /[ \t]*=[ \t]*/y

interface Parsed {
  scheme: string
  params: Map<string, string>
}

function parse(text: string): Parsed[] {
  const found: Parsed[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match) at = pattern.lastIndex
    return match
  }
  while (at < text.length) {
    take(blank)
    const name = take(token)?.[0]
    if (name === undefined) {
      if (!take(quoted)) at += 1
      continue
    }
    if (!take(equals)) {
      found.push({ scheme: name.toLowerCase(), params: new Map() })
      continue
    }
    const value = take(quoted)?.[1]?.replace(/\\([^])/g, '$1') ?? take(token)?.[0] ?? ''
    const params = found.at(-1)?.params
    const key = name.toLowerCase()
    if (params && !params.has(key)) params.set(key, value)
  }
  return found
}

/** Scopes with one space between them (RFC 6749, section 3.3), else null. */
export const scopeText = (text: unknown): string | null =>
  typeof text === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text.trim())
    ? text.trim()
    : null

/** The challenge for a bearer token: the one that names metadata, else the first; null when there is none. */
export function readChallenge(header: string | null): Challenge | null {
  const bearer = parse((header ?? '').slice(0, LONGEST)).filter(({ scheme }) => scheme === 'bearer')
  const best = bearer.find(({ params }) => params.has('resource_metadata')) ?? bearer[0]
  if (!best) return null
  return {
    resourceMetadata: best.params.get('resource_metadata') ?? null,
    scope: scopeText(best.params.get('scope')),
    error: best.params.get('error') ?? null,
  }
}
