import { GatewayError } from '../errors'

/** Longest exposed name of a prefixed server: clients add a prefix of their own and cut at 64. */
const maxNameLength = 50

const HASH_LENGTH = 10
const ALIAS_LENGTH = 20
const safe = /^[A-Za-z0-9_-]+$/
const unsafe = /[^A-Za-z0-9_-]/gu
/** Every name we cut ends like this, and nothing we pass through may. */
const looksCut = /__[a-z2-7]{10}$/
const aliasPattern = /^[a-z0-9-]{1,20}$/
const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * Name under which clients see a tool or prompt: `alias_original`, at most `maxNameLength` of `[A-Za-z0-9_-]`. What is
 * longer, unsafe or already looks cut becomes a prefix, `_` and ten base32 characters of SHA-256(alias NUL
 * original). Depends on nothing but its arguments; two different pairs never share a name, since an alias has no
 * `_`. An empty alias leaves the original as it is.
 */
export function exposedName(alias: string, original: string): string {
  if (alias === '') return original
  const plain = `${alias}_${original}`
  if (plain.length <= maxNameLength && original !== '' && safe.test(plain) && !looksCut.test(plain))
    return plain
  const readable = `${alias}_${original.slice(0, maxNameLength).replace(unsafe, '_')}`
  return `${readable.slice(0, maxNameLength - HASH_LENGTH - 2)}__${fingerprint(alias, original)}`
}

function fingerprint(alias: string, original: string): string {
  // UTF-8 has no lone surrogates: all of them would hash alike.
  const text = original.isWellFormed() ? `${alias}\0${original}` : `${alias}\0\0${JSON.stringify(original)}`
  const digest = new Bun.CryptoHasher('sha256').update(text).digest()
  let out = ''
  let bits = 0
  let held = 0
  for (let i = 0; out.length < HASH_LENGTH; ) {
    if (held < 5) {
      bits = ((bits << 8) | (digest[i++] ?? 0)) & 0xfff
      held += 8
    }
    held -= 5
    out += base32[(bits >> held) & 31]
  }
  return out
}

/**
 * Refuses an alias for a new or renamed server. `taken` are the other aliases of the Space; `unprefixed` the names its
 * servers without a prefix offer. Throws `input.invalid` or `server.name_clash`.
 */
export function checkAlias(alias: string, taken: Iterable<string>, unprefixed: Iterable<string> = []): void {
  if (alias === '') return
  if (!aliasPattern.test(alias)) {
    throw new GatewayError('input.invalid', `an alias has 1 to ${ALIAS_LENGTH} characters of a-z, 0-9 and -`)
  }
  for (const other of taken) {
    if (other === alias) {
      throw new GatewayError('server.name_clash', `alias ${alias} is taken in this Space, choose another one`)
    }
  }
  for (const name of unprefixed) {
    if (name.startsWith(`${alias}_`)) {
      const shown = name.slice(0, 80)
      throw new GatewayError(
        'server.name_clash',
        `a server without prefix offers ${shown}, which would look like one of ${alias}; choose another alias`,
      )
    }
  }
}

/** A free alias made from a display name: `Brave Search` gives `brave-search`, then `brave-search-2`. */
export function suggestAlias(name: string, taken: Iterable<string>): string {
  const used = new Set(taken)
  const own = name.slice(name.lastIndexOf('/') + 1) || name
  const base = slug(own) || slug(name) || 'server'
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `-${number}`
    const alias = base.slice(0, ALIAS_LENGTH - suffix.length).replace(/-+$/, '') + suffix
    if (!used.has(alias)) return alias
  }
}

const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, ALIAS_LENGTH)
    .replace(/-+$/, '')
