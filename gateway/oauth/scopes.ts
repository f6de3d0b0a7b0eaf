// Which scopes are asked for (MCP 2026-07-28, scope selection and step-up).

const OFFLINE = 'offline_access'

export const scopesIn = (text: string | null): readonly string[] =>
  text === null ? [] : text.split(' ').filter((scope) => scope !== '')

/** A person reads them, and they are written to disk: a server that names new ones with each answer is not followed. */
const MOST_WANTED = 50
const LONGEST_WANTED = 2048

/** `wanted` with what a server asks for besides, as far as there is room; null for nothing. */
export function widenedScope(wanted: string | null, asked: string | null): string | null {
  const all = new Set(scopesIn(wanted))
  let length = wanted?.length ?? 0
  for (const scope of scopesIn(asked)) {
    if (all.has(scope) || all.size >= MOST_WANTED || length + 1 + scope.length > LONGEST_WANTED) continue
    all.add(scope)
    length += 1 + scope.length
  }
  return all.size === 0 ? null : [...all].join(' ')
}

export interface ScopeFacts {
  /** What is needed now, as the server said; null when it did not. */
  wanted: string | null
  /** What a person wants beyond that. */
  asked: string | null
  /** What tokens already have; kept, so that what worked goes on working. */
  granted: string | null
  /** All the server has. */
  supported: readonly string[] | null
  /** All the authorization server has; null when it does not say. */
  issuerScopes: readonly string[] | null
}

/** The scope of a request; null to leave it out. Asks to stay signed in where the authorization server has a scope for it. */
export function chooseScope({ wanted, asked, granted, supported, issuerScopes }: ScopeFacts): string | null {
  const base = wanted === null ? (supported ?? []) : scopesIn(wanted)
  const chosen = new Set([...scopesIn(granted), ...scopesIn(asked), ...base])
  chosen.delete(OFFLINE)
  // Alone it would take the place of what is given by default.
  if (chosen.size > 0 && issuerScopes?.includes(OFFLINE) === true) chosen.add(OFFLINE)
  return chosen.size === 0 ? null : [...chosen].join(' ')
}

/** What `scope` has that `granted` has not; null for nothing. */
export function addedScope(scope: string | null, granted: string | null): string | null {
  const had = new Set(scopesIn(granted))
  const added = scopesIn(scope).filter((one) => !had.has(one))
  return added.length === 0 ? null : added.join(' ')
}
