import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import type { TokenStore } from '../store/oauth-tokens'
import { coversUrl } from './resource-metadata'
import { type Lifetime, lifetimeOf } from './lifetime'
import type { OpenTokens, SealedTokens } from './sealed-tokens'

/** A server as far as its tokens are concerned. */
export interface Place {
  id: string
  /** Its address as it is configured. */
  url: string
}

/** The tokens of one server, ready to be sent. */
export interface Current extends Readonly<Lifetime> {
  readonly tokens: OpenTokens
}

/** The tokens each server uses now, opened and kept in memory: a call asks for them every time. */
export interface CurrentTokens {
  /**
   * Those bound to the server's address, the newest where several are; null for none. Throws `vault.locked` or
   * `keychain.unavailable`, and `credential.unreadable`.
   */
  of(place: Place): Current | null
  /** These were stored. */
  set(tokens: OpenTokens): void
  /** What is stored is to be read again. */
  drop(serverId: string): void
  clear(): void
}

interface Entry {
  url: string
  current: Current | null
  /** Of these tokens and those before: a request may still be under way with them. */
  held: readonly Disposable[]
}

export function createCurrentTokens(deps: {
  store: Pick<TokenStore, 'list'>
  sealed: Pick<SealedTokens, 'open'>
  redactor: Pick<Redactor, 'hold'>
  runtime: Pick<Runtime, 'random'>
}): CurrentTokens {
  const { store, sealed, redactor, runtime } = deps
  const entries = new Map<string, Entry>()

  const release = (held: readonly Disposable[]) => {
    for (const one of held) one[Symbol.dispose]()
  }

  const currentOf = (tokens: OpenTokens): Current => ({
    tokens,
    ...lifetimeOf(tokens, runtime.random()),
  })

  const hold = ({ accessToken, refreshToken }: OpenTokens): Disposable =>
    redactor.hold(refreshToken ? [accessToken, refreshToken] : [accessToken])

  function load({ id, url }: Place): Entry {
    const address = new URL(url)
    const [newest] = store
      .list(id)
      .filter(({ resource }) => coversUrl(resource, address))
      .toSorted((a, b) => b.issuedAt - a.issuedAt)
    const tokens = newest ? sealed.open(newest) : null
    return { url, current: tokens && currentOf(tokens), held: tokens ? [hold(tokens)] : [] }
  }

  function drop(serverId: string): void {
    release(entries.get(serverId)?.held ?? [])
    entries.delete(serverId)
  }

  return {
    of(place) {
      const known = entries.get(place.id)
      if (known?.url === place.url) return known.current
      drop(place.id)
      const entry = load(place)
      entries.set(place.id, entry)
      return entry.current
    },
    set(tokens) {
      const known = entries.get(tokens.serverId)
      if (!known?.current || !isBound(known.current.tokens, tokens)) return drop(tokens.serverId)
      if (tokens.version <= known.current.tokens.version) return
      const [last, ...older] = known.held
      release(older)
      const held = last ? [hold(tokens), last] : [hold(tokens)]
      entries.set(tokens.serverId, { url: known.url, current: currentOf(tokens), held })
    },
    drop,
    clear() {
      for (const serverId of [...entries.keys()]) drop(serverId)
    },
  }
}

const isBound = (a: OpenTokens, b: OpenTokens): boolean => a.issuer === b.issuer && a.resource === b.resource
